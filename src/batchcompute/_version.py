"""The version of the package."""

# A constant, because reading the metadata of the distribution takes 40 ms.
__version__ = "3.0.0.dev0"
