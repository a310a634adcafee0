"""The article's program in Keras, timed: speed_keras.py MNIST.npz SEED EPOCHS. It runs where only TensorFlow is.

Changed against the article: a channel axis, a seed, and the place of the data. Where the article measures the test part
after each epoch, this does so after each quarter, in large batches; nobody gains by coarse looks.
"""

import json
import os
import sys
import time

GOAL = 0.99
FEED = 32


def main(archive: str, seed: int, epochs: int) -> None:
    begun = time.perf_counter()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import numpy as np
    import tensorflow as tf  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from tensorflow.keras import layers  # type: ignore[import-not-found,import-untyped,unused-ignore]

    tf.keras.utils.set_random_seed(seed)
    data = np.load(archive)
    x_train, y_train = data["x_train"] / 255.0, tf.keras.utils.to_categorical(data["y_train"])
    x_test, y_test = data["x_test"] / 255.0, data["y_test"]
    model = tf.keras.Sequential(
        [
            layers.Input(x_train.shape[1:]),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    started = time.perf_counter()
    looks: list[list[float]] = []
    an_epoch = -(-len(x_train) // FEED)
    edges = {round(an_epoch * quarter / 4) for quarter in (1, 2, 3, 4)}

    class Look(tf.keras.callbacks.Callback):  # type: ignore[misc,unused-ignore]
        """The accuracy on the test part at the edges; the end of the training once it reaches the goal."""

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
            if batch + 1 in edges and not self.model.stop_training:
                answers = self.model.predict(x_test, batch_size=500, verbose=0)
                accuracy = float(np.mean(answers.argmax(1) == y_test))
                looks.append([round(time.perf_counter() - started, 3), accuracy])
                self.model.stop_training = accuracy >= GOAL

    model.fit(x_train, y_train, epochs=epochs, batch_size=FEED, callbacks=[Look()], verbose=0)
    reached = next((seconds for seconds, accuracy in looks if accuracy >= GOAL), None)
    print(
        json.dumps(
            {
                "seconds": reached,
                "setup seconds": round(started - begun, 3),
                "parameters": model.count_params(),
                "test examples": len(y_test),
                "last accuracy": looks[-1][1],
                "version": tf.__version__,
                "looks": looks,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
