"""What every room may use and no room is about: arguments at the door, files, hashes, threads, progress."""
