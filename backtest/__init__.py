"""The backtest: replays a stream under several policies with the real decision and training code.

| module | holds |
| --- | --- |
| `policies` | what may be compared: never, every k-th window, drift, performance, governors |
| `stream` | the rows, their clock and their windows |
| `candidates` | what each training would have given, fitted once and kept by content |
| `promotion` | gates and repairs of replayed candidates |
| `replay` | one policy from the first window to the last |
| `recommendation` | which policy is best, for the user's own costs |
| `plot` | the picture |
"""
