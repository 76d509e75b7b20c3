"""From pixels to joints: batches of crops, images and boxes, ONNX."""
