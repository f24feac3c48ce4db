from service import remember

for text in ("tea", "milk"):
    try:
        print("saved", remember(text))
    except Exception as error:
        print("not saved:", type(error).__name__)
