"""Human3.6M as people have it: a module per form, its joints, names, cameras and protocols. No form needs pickle."""
