from batches import BatchProcessor

BatchProcessor("m").run(3)
