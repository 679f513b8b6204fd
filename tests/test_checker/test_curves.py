"""The checker finds which curves of accuracy and loss a notebook shows."""

import nbformat
import pytest

from sample_notebooks import NAME, found, picture, shown, states, stopped_at, text, write

VALIDATED = ("model.fit(x, y, validation_split=0.1)", text("Epoch 1"))
ALL_FOUR = (
    "for k in ('loss', 'val_loss', 'accuracy', 'val_accuracy'):\n    plt.plot(history.history[k])"
)
DRAW = "def draw(h):\n    for k in h:\n        plt.plot(h[k])\n"


@pytest.mark.parametrize(
    "cells",
    [
        [(ALL_FOUR, [picture()])],
        [("for key, values in history.history.items():\n    plt.plot(values)", [picture()])],
        [
            (
                "plt.plot(train_accs)\nplt.plot(val_accs)\n"
                "plt.plot(train_losses)\nplt.plot(val_losses)",
                [picture()],
            )
        ],
        [("h = history.history", []), ("for k in h:\n    plt.plot(h[k])", [picture()])],
        [("DataFrame(history.history).plot()", [picture()])],
        [("df = pd.DataFrame(h.history)\ndf.plot(figsize=(8, 5))", [picture()])],
        [(DRAW + "def show(h):\n    draw(h.history)", []), ("show(history)", [picture()])],
        [
            (
                (
                    "class P:\n    def draw(self, h):\n        for k in h.history:\n           "
                    " plt.plot(h.history[k])"
                ),
                [],
            ),
            ("P().draw(history)", [picture()]),
        ],
        [(ALL_FOUR + "\nplt.savefig('c.png')\nplt.close()", []), ("Image('c.png')", [picture()])],
        [(ALL_FOUR, [picture("jpeg")])],
        [(ALL_FOUR, [picture("svg")])],
        [
            (
                "%matplotlib notebook\n" + ALL_FOUR,
                shown("<img src='data:image/png;base64,xx'>", "text/html"),
            )
        ],
        [(ALL_FOUR + "\nplt.close()", []), ("figure", [picture()])],
        [
            (
                (
                    "def draw(metric):\n    plt.plot(h.history[metric])\n   "
                    " plt.plot(h.history[f'val_{metric}'])"
                ),
                [],
            ),
            ("draw('loss')\ndraw('accuracy')", [picture()]),
        ],
        [
            (
                (
                    "for metric in ['loss', 'acc']:\n    plt.plot(h.history[metric])\n   "
                    " plt.plot(h.history['val_' + metric])"
                ),
                [picture()],
            )
        ],
        [
            (
                (
                    "plt.plot(a, label='training loss')\nplt.plot(b, label='validation loss')\n"
                    "plt.plot(c, label='训练准确率')\nplt.plot(d, label='验证准确率')"
                ),
                [picture()],
            )
        ],
    ],
)
def test_curves_are_found_however_they_are_drawn(tmp_path, cells):
    assert states(write(tmp_path / NAME, VALIDATED, *cells))["curves"] == "holds"


@pytest.mark.parametrize(
    "source, state",
    [
        ("from helpers import plot_history\nplot_history(history)", "look"),
        ("from plot_keras_history import show_history\nshow_history(history)", "look"),
        ("plt.plot(log['ta'])\nplt.plot(log['tl'])\nplt.title('Accuracy and loss')", "look"),
        ("plt.plot(log['tl'])\nplt.title('Loss')", "fails"),
    ],
)
def test_lines_that_may_be_the_curves_need_a_look(tmp_path, source, state):
    assert states(write(tmp_path / NAME, VALIDATED, (source, [picture()])))["curves"] == state


@pytest.mark.parametrize(
    "cells, missing",
    [
        (
            [("model.compile(loss='x', metrics=['accuracy'])\nplt.plot(x[0, 14])", [picture()])],
            "accuracy in training",
        ),
        (
            [("model.compile(loss='x', metrics=['accuracy'])\nplt.imshow(x[0])", [picture()])],
            "loss in training",
        ),
        ([(ALL_FOUR, text("no picture"))], "accuracy in training"),
        (
            [("plt.plot(h.history['loss'])\nplt.plot(h.history['val_loss'])", [picture()])],
            "accuracy in training",
        ),
        (
            [
                (
                    (
                        "for k in ('loss', 'val_loss'):\n   "
                        " plt.plot(h.history[k])\nplt.plot(h.history['accuracy'])\n"
                        "plt.plot(h.history['val_accuracy'])"
                    ),
                    [picture(), stopped_at(4)],
                )
            ],
            "missing: accuracy in validation.",
        ),
        (
            [
                ("model.fit(x, y)", text("Epoch 1")),
                ("for k in history.history:\n    plt.plot(history.history[k])", [picture()]),
            ],
            "missing: accuracy in validation, loss in validation.",
        ),
    ],
)
def test_a_curve_that_is_missing_is_named(tmp_path, cells, missing):
    finding = found(write(tmp_path / NAME, *cells))["curves"]
    assert finding.state == "fails" and missing in str(finding)


LOSSES = "missing: loss in training, loss in validation."
ACCURACIES = "missing: accuracy in training, accuracy in validation."
TABLE = "df = pd.DataFrame(h.history)\n"


@pytest.mark.parametrize(
    "source, missing",
    [
        ("pd.DataFrame(h.history)[['accuracy', 'val_accuracy']].plot()", LOSSES),
        (TABLE + "columns = ['loss', 'val_loss']\ndf[columns].plot()", ACCURACIES),
        (TABLE + "df.loc[:, ['loss', 'val_loss']].plot(grid=True)", ACCURACIES),
        (TABLE + "df.plot(y=['accuracy', 'val_accuracy'])", LOSSES),
        (TABLE + "df.loss.plot()\ndf.val_loss.plot()", ACCURACIES),
        (TABLE + "df.filter(like='loss').plot()", ACCURACIES),
        (
            TABLE
            + "sns.lineplot(data=df, x=df.index, y='loss')\nplt.plot(df.index, df['val_loss'])",
            ACCURACIES,
        ),
        (TABLE + "sns.lineplot(data=df[['accuracy', 'val_accuracy']])", LOSSES),
        ("pd.DataFrame({k: v for k, v in h.history.items() if 'loss' in k}).plot()", ACCURACIES),
        ("for k in ('loss', 'val_loss'):\n    plt.plot(h.history[k])", ACCURACIES),
        ("pd.DataFrame({'a': h.history['loss'], 'b': h.history['val_loss']}).plot()", ACCURACIES),
        ("def draw(k):\n    plt.plot(h.history[k])\ndraw('loss')\ndraw('val_loss')", ACCURACIES),
        (
            "def draw(k):\n    plt.plot(h.history.get(k))\ndraw('loss')\ndraw('val_loss')",
            ACCURACIES,
        ),
        (
            (
                "epochs = range(len(h.history['accuracy']))\nplt.plot(epochs, h.history['loss'],"
                " epochs, h.history['val_loss'])"
            ),
            ACCURACIES,
        ),
        (
            "axis_loss.plot(h.history['accuracy'])\naxis_loss.plot(h.history['val_accuracy'])",
            LOSSES,
        ),
    ],
)
def test_only_the_curves_that_are_selected_count(tmp_path, source, missing):
    finding = found(write(tmp_path / NAME, VALIDATED, (source, [picture()])))["curves"]
    assert finding.state == "fails" and missing in finding.reason[1]


@pytest.mark.parametrize(
    "source",
    [
        "pd.DataFrame(h.history).iloc[:, 1].plot()",
        "pd.DataFrame(h.history).drop(columns=['loss']).plot()",
        "plt.plot(h.history[choose()])",
        "plt.plot(list(h.history.values())[0])",
    ],
)
def test_a_selection_that_the_code_does_not_tell_needs_a_look(tmp_path, source):
    assert states(write(tmp_path / NAME, VALIDATED, (source, [picture()])))["curves"] == "look"


@pytest.mark.parametrize(
    "source, missing",
    [
        (
            "plt.plot(values, label='Validation accuracy')",
            "missing: accuracy in training, loss in training, loss in val",
        ),
        (
            "for values in h.history.values():\n    plt.plot(values, label='Validation accuracy')",
            "missing: accuracy in training, loss in training, loss in validation.",
        ),
        (
            "acc = h.history['accuracy']\nplt.plot(acc, label='验证')",
            "missing: accuracy in training, loss in training",
        ),
        ("plt.plot(losses, label='Loss, validation')\nplt.plot(losses)", ACCURACIES),
        (
            (
                "def draw(v, name):\n    plt.plot(v, label=name + ' loss')\ndraw(a,"
                " 'train')\ndraw(b, 'val')"
            ),
            ACCURACIES,
        ),
        (
            "for split in ['Training', 'Test']:\n    plt.plot(loss[split], label=f'{split}')",
            ACCURACIES,
        ),
        (
            (
                "def draw(a, val):\n    plt.plot(a, label='Training %s' % val)\n"
                "    plt.plot(a, label='Validation {}'.format(val))\ndraw(losses, 'Loss')"
            ),
            ACCURACIES,
        ),
        (
            "go.Scatter(y=loss, name='Validation loss')\ngo.Scatter(y=loss, name='Training loss')",
            ACCURACIES,
        ),
    ],
)
def test_a_label_decides_what_a_line_is(tmp_path, source, missing):
    finding = found(write(tmp_path / NAME, VALIDATED, (source, [picture()])))["curves"]
    assert finding.state == "fails" and missing in finding.reason[1]


DRAW_BOTH = (
    "def draw(axis, name):\n    axis.plot(h.history[name])\n    axis.plot(h.history['val_' +"
    " name])\ndraw(axes[0], 'loss')\ndraw(axes[1], 'accuracy')"
)
DRAW_ALL = (
    "def draw(h):\n    left.plot(h['loss'])\n    left.plot(h['val_loss'])\n   "
    " right.plot(h['accuracy'])\n    right.plot(h['val_accuracy'])\n   "
    " right.legend()\ndraw(history.history)"
)


@pytest.mark.parametrize(
    "source, frames, missing",
    [
        (DRAW_BOTH, [5, ("draw(axis, name)", 2)], ACCURACIES),  # The second axes are empty.
        (DRAW_BOTH, [5, ("draw(axis, name)", 3)], "missing: accuracy in validation."),
        (
            DRAW_BOTH,
            [4, ("draw(axis, name)", 2)],
            "missing: accuracy in training, accuracy in validation, loss in",
        ),
        (DRAW_ALL, [7, ("draw(h)", 4)], ACCURACIES),
        (DRAW_ALL, [7, ("draw(h)", 5)], "missing: accuracy in validation."),
        (DRAW_ALL + "\nprint(x)", [8], None),
        (DRAW_ALL, [7, ("draw(h)", 6)], None),
        (
            (
                "class P:\n    def draw(self, k):\n        plt.plot(h.history[k])\nfor k in"
                " ('loss', 'val_loss'):\n    P().draw(k)\nP().draw('accuracy')"
            ),
            [6, ("P.draw(self, k)", 3)],
            ACCURACIES,
        ),
    ],
)
def test_what_comes_after_an_error_is_not_drawn(tmp_path, source, frames, missing):
    finding = found(write(tmp_path / NAME, VALIDATED, (source, [picture(), stopped_at(*frames)])))[
        "curves"
    ]
    assert (
        finding.state == ("fails" if missing else "holds") and (missing or "") in finding.reason[1]
    )


def test_a_helper_of_another_cell_that_stops_leaves_axes_empty(tmp_path):
    helper, call = DRAW_BOTH.split("draw(axes[0]")
    older = nbformat.v4.new_output(
        "error",
        ename="KeyError",
        evalue="",
        traceback=[
            "\x1b[0;31mKeyError\x1b[0m  Traceback (most recent call last)",
            (
                "\x1b[0;32m<ipython-input-3-ab>\x1b[0m in \x1b[0;36m<module>\x1b[0;34m()\x1b[0m\n  "
                "    1 x\n\x1b[0;32m----> 2\x1b[0m y"
            ),
            (
                "\x1b[0;32m<ipython-input-2-cd>\x1b[0m in \x1b[0;36mdraw\x1b[0;34m(axis,"
                " name)\x1b[0m\n\x1b[0;32m----> 2\x1b[0m x"
            ),
            (
                "\x1b[0;32m/usr/lib/python3/series.py\x1b[0m in"
                " \x1b[0;36mplot\x1b[0;34m(x)\x1b[0m\n\x1b[0;32m--> 900\x1b[0m x"
            ),
        ],
    )
    cells = [VALIDATED, (helper, []), ("draw(axes[0]" + call, [picture(), older])]
    assert ACCURACIES in found(write(tmp_path / NAME, *cells))["curves"].reason[1]
