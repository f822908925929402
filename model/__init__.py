"""What the model is: its contract, its framing, its figures of merit. Knows numpy and pillow only."""
