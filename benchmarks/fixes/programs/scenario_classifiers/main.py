from classifiers import Classifier

for name in ("topic", "tone", "spam"):
    print(f"{name}:", Classifier(name).classify("mail"))
