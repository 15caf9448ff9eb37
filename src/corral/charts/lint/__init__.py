"""What is wrong, or could be better, with a chart's folder; in the order and words of `helm lint`."""
