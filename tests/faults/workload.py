"""The experiments that are killed: made data, tiny models, many checkpoints."""

# 14 steps an epoch, a checkpoint every 7: in the middle and at the end of each.
SHORT = """schema: 1
name: faults
data: {{source: superposition, train_rows: {rows}, test_rows: 64, cols: 12, atoms: 12,
       active_mean: 3}}
model:
  loss: mse
  layers:
    - name: code
      kind: dense
      units: {units}
      activation: relu
      regularizers:
        - {{kind: l1, coefficient: 1.0e-3}}
    - {{name: decoder, kind: dense}}
optimizer: {{kind: adam, lr: 3.0e-3}}
train: {{epochs: {epochs}, batch_rows: 32, shard_rows: 8, seed: 1}}
metric: {{name: test/mse, goal: minimize}}
checkpoint: {{every: {every}, keep: 2}}
resources: {{ranks_per_trial: {ranks}}}
parameters:
  model.layers.code.regularizers.l1.coefficient:
    values: [{values}]
"""

COEFFICIENTS = (0, 1.0e-4, 3.0e-4, 1.0e-3, 3.0e-3, 1.0e-2)


def experiment(rows=448, units=16, epochs=3, every="7 steps", ranks=1, trials=6):
    coefficients = COEFFICIENTS if trials <= 6 else [k * 1e-5 for k in range(trials)]
    values = ", ".join(f"{value:g}" for value in coefficients[:trials])
    return SHORT.format(rows=rows, units=units, epochs=epochs, every=every, ranks=ranks,
                        values=values)


# Name: text, and the steps between two checkpoints.
WORKLOADS = {
    # Over in a moment: for killing at every call.
    "short": (experiment(), 7),
    # Checkpoints fall into the middle of epochs that take several of them.
    "epochs": (experiment(rows=1500, epochs=2, every="11 steps", trials=4), 11),
    # All ranks train one trial.
    "group": (experiment(ranks=2, trials=3), 7),
    # So many files that they are folded into a segment at the end.
    "many": (experiment(rows=32, epochs=1, trials=260), 7),
    # Trains for a second or so: for killing at random times.
    "long": (experiment(rows=8192, units=64, epochs=8, every="40 steps"), 40),
    # Trains for some seconds: for batch systems and networks.
    "slurm": (experiment(rows=32768, units=128, epochs=12, every="100 steps", trials=4), 100),
}
