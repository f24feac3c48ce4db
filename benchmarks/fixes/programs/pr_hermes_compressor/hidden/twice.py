from compressor import Compressor

first, second = Compressor(), Compressor(model="other")
assert first.process_directory(["x"]) == ["answer to x"]
assert second.process_directory(["y", "z"]) == ["answer to y", "answer to z"]
assert second.model == "other"
assert first.process_directory([]) == []
