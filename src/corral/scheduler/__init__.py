"""Where pods go: snapshot, filters, scores, bind."""
