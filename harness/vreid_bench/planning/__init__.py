"""What a run will do, decided before anything trains: data, folds, where weights come from."""
