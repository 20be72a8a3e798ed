"""From a trained model to the results and the record of a run."""
