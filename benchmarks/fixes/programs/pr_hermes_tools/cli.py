from tools import dispatch

for name, text in [("vision", "a cat"), ("search", "a dog"), ("vision", "a cow")]:
    print(f"{name}:", dispatch(name, text))
