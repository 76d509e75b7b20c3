"""Bones regressed from the class token of a Vision Transformer of Hugging Face."""

import torch
from transformers import ViTConfig, ViTModel

import heads

joints = torch.rand(64, 16, 2) * 224  # MPII's, in pixels; NaN or (0, 0) where nobody labeled one
joints[0, :6] = 0
loss, codec = heads.compositional("mpii", joints)

# Trained weights: ViTModel.from_pretrained("google/vit-base-patch16-224-in21k").
network = ViTModel(ViTConfig(hidden_size=96, num_hidden_layers=2, num_attention_heads=4, intermediate_size=192))
linear = torch.nn.Linear(network.config.hidden_size, 16 * 2)
tokens = network(torch.rand(8, 3, 224, 224)).last_hidden_state
poses = codec.decode(linear(tokens[:, 0]))  # (8, 16, 2) pixels
value = loss(poses, joints[:8])
value.backward()
