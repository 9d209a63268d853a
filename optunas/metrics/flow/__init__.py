"""What a network computes, step by step, read off its plan or recorded on its modules."""
