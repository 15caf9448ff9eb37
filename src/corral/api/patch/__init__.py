"""The four ways to change an object in part: JSON patch, JSON merge patch, strategic merge patch, server-side apply."""
