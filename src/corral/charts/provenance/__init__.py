"""Provenance: that an archive is what somebody has signed. OpenPGP is Sequoia's (`pip install corral[provenance]`).

https://helm.sh/docs/topics/provenance/
"""

from corral.charts.provenance.signing import sign
from corral.charts.provenance.verification import verify

__all__ = ["sign", "verify"]
