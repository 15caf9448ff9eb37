"""Where pods go: snapshot, filters, scores, preemption, bind. Outside: what pods there are, and running them."""
