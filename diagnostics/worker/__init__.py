"""The program that runs cells inside an environment: standard library only, Python 3.10 and newer."""
