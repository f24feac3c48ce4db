from compressor import Compressor

compressor = Compressor()
for folder, files in {"notes": ["a.txt", "b.txt"], "logs": ["c.txt"]}.items():
    print(f"{folder}:", " | ".join(compressor.process_directory(files)))
