"""A LitServe server that batches.

python lit.py PORT MODEL
"""

import sys
from pathlib import Path

import cloudpickle
import litserve
import pandas as pd


class Scorer(litserve.LitAPI):
    """One model in one process; a request holds one row or several."""

    def setup(self, device):
        """Load it."""
        self.model = cloudpickle.loads(Path(sys.argv[2]).read_bytes())

    def decode_request(self, request):
        """The rows of one request."""
        return request["rows"]

    def batch(self, inputs):
        """Of all that wait, one table, and where each request ends in it."""
        ends, rows = [], []
        for part in inputs:
            rows += part
            ends.append(len(rows))
        return ends, pd.DataFrame(rows)

    def predict(self, x):
        """Probabilities of each row."""
        ends, rows = x
        return ends, self.model.predict_proba(rows).tolist()

    def unbatch(self, output):
        """The answers to each request."""
        ends, answers = output
        return [answers[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def encode_response(self, output):
        """One answer."""
        return {"probabilities": output}


if __name__ == "__main__":
    scorer = Scorer(max_batch_size=64, batch_timeout=0.005)  # the best of a few
    server = litserve.LitServer(scorer, accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning"
    )
