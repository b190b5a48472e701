"""Optimizers against their formulas, step by step, and against PyTorch where they agree."""

import copy
import math
import pickle
import threading

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, constraints, layers, optimizers
from fastlstm.keras.foundation.variable import Variable

# float64 and the same formulas; only the order of operations differs.
EXACT = 1e-12
GRADIENTS = [np.array([0.5, -2.0, 0.0]), np.array([-1.0, 0.25, 3.0]), np.array([0.1, 0.1, -0.1])]
START = np.array([1.0, 2.0, 3.0])


def run(optimizer, gradients=GRADIENTS, start=START):
    variable = Variable(start.copy(), name="w")
    for gradient in gradients:
        optimizer.apply([gradient], [variable])
    return variable.numpy()


def adam(rate=0.001, b1=0.9, b2=0.999, eps=1e-7, amsgrad=False):
    w, m, v, top = START.copy(), 0.0, 0.0, 0.0
    for t, g in enumerate(GRADIENTS, 1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        top = np.maximum(top, v)
        w = w - rate * math.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(top if amsgrad else v) + eps)
    return w


def sgd(rate=0.01, momentum=0.0, nesterov=False):
    w, v = START.copy(), 0.0
    for g in GRADIENTS:
        v = momentum * v - rate * g
        w = w + (momentum * v - rate * g if nesterov else v)
    return w


def rmsprop(rate=0.001, rho=0.9, momentum=0.0, eps=1e-7, centered=False):
    w, v, mean, m = START.copy(), 0.0, 0.0, 0.0
    for g in GRADIENTS:
        v = rho * v + (1 - rho) * g * g
        mean = rho * mean + (1 - rho) * g
        m = momentum * m + rate * g / np.sqrt(v - (mean**2 if centered else 0) + eps)
        w = w - m
    return w


@pytest.mark.parametrize(
    ("optimizer", "wanted"),
    [
        (optimizers.Adam(), adam()),
        (optimizers.Adam(0.1, beta_1=0.5, beta_2=0.9, epsilon=1e-3), adam(0.1, 0.5, 0.9, 1e-3)),
        (optimizers.Adam(amsgrad=True, beta_2=0.5), adam(b2=0.5, amsgrad=True)),
        (optimizers.SGD(), sgd()),
        (optimizers.SGD(0.1, momentum=0.9), sgd(0.1, 0.9)),
        (optimizers.SGD(0.1, momentum=0.9, nesterov=True), sgd(0.1, 0.9, True)),
        (optimizers.RMSprop(), rmsprop()),
        (optimizers.RMSprop(0.01, rho=0.8, momentum=0.5), rmsprop(0.01, 0.8, 0.5)),
        (optimizers.RMSprop(centered=True, momentum=0.3), rmsprop(momentum=0.3, centered=True)),
    ],
)
def test_formulas(optimizer, wanted):
    np.testing.assert_allclose(run(optimizer), wanted, atol=EXACT)


def test_first_adam_step_is_the_rate():
    # After one step m / sqrt(v) is the sign of the gradient, apart from epsilon: 1e-7 / sqrt(1e-3).
    moved = START - run(optimizers.Adam(0.01), [np.array([0.5, -2.0, 3.0])])
    np.testing.assert_allclose(moved, [0.01, -0.01, 0.01], rtol=1e-5)


def test_weight_decay_comes_first_and_can_leave_variables_out():
    decayed = run(optimizers.SGD(0.1, weight_decay=0.5), GRADIENTS[:1])
    np.testing.assert_allclose(decayed, START * (1 - 0.05) - 0.1 * GRADIENTS[0], atol=EXACT)
    optimizer = optimizers.AdamW(0.1)
    assert optimizer.weight_decay == 0.004
    optimizer.exclude_from_weight_decay(var_names=["w"])
    np.testing.assert_allclose(run(optimizer), adam(0.1), atol=EXACT)


def test_clipping():
    long, short = np.array([3.0, 0.0, 4.0]), np.array([0.3, 0.0, 0.4])
    step = lambda g, **clip: START - run(optimizers.SGD(1.0, **clip), [g])  # noqa: E731
    np.testing.assert_allclose(step(long, clipnorm=1.0), long / 5, atol=EXACT)
    np.testing.assert_allclose(step(short, clipnorm=1.0), short, atol=EXACT)
    np.testing.assert_allclose(step(long, clipvalue=3.5), [3, 0, 3.5], atol=EXACT)
    a, b = Variable(np.zeros(1), name="a"), Variable(np.zeros(1), name="b")
    optimizers.SGD(1.0, global_clipnorm=1.0).apply([np.array([3.0]), np.array([4.0])], [a, b])
    np.testing.assert_allclose([a.value[0], b.value[0]], [-0.6, -0.8], atol=EXACT)
    optimizers.SGD(1.0, clipnorm=1.0).apply([np.array([3.0]), np.array([0.5])], [a, b])
    np.testing.assert_allclose([a.value[0], b.value[0]], [-1.6, -1.3], atol=EXACT)
    assert np.isnan(step(np.array([np.inf, 1.0, 1.0]), global_clipnorm=1.0)).all()


@pytest.mark.parametrize("dtypes", [("f4", "f8"), ("f8", "f4"), ("f4", "f8", "f4"), ("f8", "f8", "f8")])
def test_the_global_norm_is_that_of_all_weights(dtypes):
    """Of every dtype together: by dtype each part would be shorter than 13 and come out longer than it should."""
    gradients = [np.array(g, dtype) for g, dtype in zip(([3.0, 0.0], [4.0], [[12.0]]), dtypes, strict=False)]
    variables = [Variable(np.zeros_like(g), name="w") for g in gradients]
    norm = math.sqrt(sum(float((g * g).sum()) for g in gradients))
    for longest in (norm / 5, norm + 1):
        before = [variable.numpy().copy() for variable in variables]
        optimizers.SGD(1.0, global_clipnorm=longest).apply(gradients, variables)
        for variable, old, g in zip(variables, before, gradients, strict=True):
            np.testing.assert_allclose(variable.numpy(), old - g * min(1, longest / norm), rtol=1e-6)
            assert variable.numpy().dtype == g.dtype


def test_many_variables_of_two_dtypes_update_as_alone():
    rng = np.random.default_rng(0)
    # More elements than a block, so that the blocks' seams are crossed.
    values = [rng.normal(size=s) for s in ((170, 100), (3,), (4, 5))]
    values[1] = values[1].astype(np.float32)
    gradients = [[rng.normal(size=v.shape).astype(v.dtype) for v in values] for _ in range(3)]
    together = [Variable(v.copy(), name="w") for v in values]
    optimizer = optimizers.Adam(0.1)
    for step in gradients:
        optimizer.apply(step, together)
    for i, value in enumerate(values):
        alone = run(optimizers.Adam(0.1), [step[i] for step in gradients], value)
        np.testing.assert_array_equal(together[i].value, alone)
        assert together[i].dtype == value.dtype


def test_a_value_assigned_between_steps_is_taken():
    variable, optimizer = Variable(np.zeros(2), name="w"), optimizers.SGD(1.0)
    optimizer.apply([np.ones(2)], [variable])
    variable.assign([10.0, 20.0])
    optimizer.apply([np.ones(2)], [variable])
    np.testing.assert_array_equal(variable.value, [9, 19])


def test_state_can_be_carried_to_another_optimizer():
    one, two = optimizers.Adam(0.1), optimizers.Adam(0.3)
    variable = Variable(START.copy(), name="w")
    for gradient in GRADIENTS[:2]:
        one.apply([gradient], [variable])
    other = Variable(variable.numpy(), name="w")
    two.build([other])
    two.set_weights(one.get_weights())
    assert (two.iterations, two.learning_rate) == (2, 0.1)
    one.apply([GRADIENTS[2]], [variable])
    two.apply([GRADIENTS[2]], [other])
    np.testing.assert_array_equal(variable.value, other.value)
    with pytest.raises(ValueError, match="weights must have shapes"):
        two.set_weights([1, 2])


def test_learning_rates():
    optimizer = optimizers.SGD(optimizers.ExponentialDecay(1.0, decay_steps=2, decay_rate=0.25))
    np.testing.assert_allclose(run(optimizer, [np.ones(3)] * 3), START - (1 + 0.5 + 0.25), atol=EXACT)
    with pytest.raises(TypeError, match="a schedule gives it"):
        optimizer.learning_rate = 0.1
    assert optimizers.ExponentialDecay(1.0, 2, 0.25, staircase=True)(3) == 0.25
    cosine = optimizers.CosineDecay(1.0, 10, alpha=0.1)
    assert [cosine(0), cosine(5), cosine(10), cosine(99)] == pytest.approx([1, 0.55, 0.1, 0.1])
    assert optimizers.SGD(lambda: 0.5).learning_rate == 0.5
    by_step = optimizers.SGD(lambda step: 1.0 / (1 + step))
    np.testing.assert_allclose(run(by_step, [np.ones(3)] * 2), START - 1.5, atol=EXACT)
    plain = optimizers.Adam()
    plain.learning_rate = 0.5
    assert plain.learning_rate == 0.5


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: optimizers.get("nope"),
            ValueError,
            "optimizer must be a known name or an Optimizer, got 'nope'; valid names: adadelta, adafactor, .*adam_?w",
        ),
        (lambda: optimizers.get(3), TypeError, "optimizer must be a known name or an Optimizer, got 3"),
        (lambda: optimizers.Adam(learning_rate=-1), ValueError, "learning_rate must be a number of at least 0, got -1"),
        (
            lambda: optimizers.Adam(learning_rate="fast"),
            TypeError,
            "learning_rate must be a number of at least 0, got 'fast'",
        ),
        (
            lambda: optimizers.Adam(clipnorm=1.0, clipvalue=1.0),
            ValueError,
            "must not come together, got clipnorm and clipvalue",
        ),
        (lambda: optimizers.Adam(clipnorm=-1.0), ValueError, "clipnorm must be a number above 0"),
        (lambda: optimizers.Adam(loss_scale_factor=2.0), NotImplementedError, "loss_scale_factor=2.0 is not supported"),
        (
            lambda: optimizers.Adam(gradient_accumulation_steps=1),
            ValueError,
            "gradient_accumulation_steps must be a whole number of at least 2, got 1",
        ),
        (
            lambda: optimizers.Adam(rate=0.1),
            ValueError,
            "Adam: arguments must be ones that the optimizer has, got 'rate'",
        ),
        (lambda: optimizers.SGD(momentum=2.0), ValueError, "momentum must be a number from 0 to 1, got 2.0"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_names():
    assert isinstance(optimizers.get("adam"), optimizers.Adam)
    assert isinstance(optimizers.get("RMSprop"), optimizers.RMSprop)
    assert isinstance(optimizers.get("SGD"), optimizers.SGD)
    assert isinstance(optimizers.get(optimizers.AdamW), optimizers.AdamW)


def test_sgd_and_rmsprop_agree_with_pytorch():
    torch = pytest.importorskip("torch")
    cases = [
        (optimizers.SGD(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), 1e-12),
        (optimizers.AdamW(0.1), lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.004), 1e-5),
    ]
    for ours, theirs, tolerance in cases:
        parameter = torch.nn.Parameter(torch.tensor(START))
        optimizer = theirs([parameter])
        for gradient in GRADIENTS:
            parameter.grad = torch.tensor(gradient)
            optimizer.step()
        # Adam's epsilons differ: 1e-7 and 1e-8.
        np.testing.assert_allclose(run(ours), parameter.detach().numpy(), atol=tolerance)


def test_values_given_out_stay_what_they_were():
    """New weights go where those of the step before the last were only if nobody has these, or a part of them."""
    variables = [Variable(np.zeros((2, 3)), name="a"), Variable(np.zeros(4), name="b")]
    optimizer, kept = optimizers.SGD(1.0), []
    for step in range(9):
        optimizer.apply([np.full(v.shape, 1.0 + step) for v in variables], variables)
        values = [v.value for v in variables]
        assert not any(value.flags.writeable or value.base.flags.writeable for value in values)
        held = [values[0], values[1][1:], memoryview(values[0]), values[1].base, values[0].T][step % 5]
        kept.append((held, np.array(held)))
    for held, copy_of_it in kept:
        np.testing.assert_array_equal(held, copy_of_it)


def test_two_arrays_do_where_nobody_has_the_values():
    variables, optimizer = [Variable(np.zeros((2, 3)), name="a"), Variable(np.zeros(4), name="b")], optimizers.Adam()
    places = set()
    for _ in range(9):
        before = variables[0].value
        optimizer.apply([np.ones(v.shape) for v in variables], variables)
        assert variables[0].value is not before
        places.add(variables[0].value.ctypes.data)
        del before
    assert len(places) == 2


@pytest.mark.parametrize("through", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_a_copy_goes_on_by_itself(through):
    first = [Variable(np.arange(6.0).reshape(2, 3), name="a"), Variable(np.zeros(4), name="b")]
    optimizer = optimizers.Adam(0.1)
    step = lambda optimizer, variables: optimizer.apply([np.cos(v.numpy()) for v in variables], variables)  # noqa: E731
    for _ in range(3):
        step(optimizer, first)
    second, other = through((first, optimizer))
    for _ in range(5):
        step(optimizer, first)
        np.testing.assert_array_equal(second[0].value == first[0].value, False)
        step(other, second)
        for a, b in zip(first, second, strict=True):
            np.testing.assert_array_equal(a.value, b.value)
            assert not np.shares_memory(a.value, b.value)


def test_gradients_of_another_dtype_are_cast():
    variable, optimizer = Variable(np.zeros(3, np.float32), name="w"), optimizers.SGD(1.0)
    for gradient in (np.ones(3), [1, 2, 3], np.ones(6, np.float32)[::2]):
        optimizer.apply([gradient], [variable])
    np.testing.assert_array_equal(variable.value, [-3, -4, -5])
    assert variable.dtype == np.float32


def test_an_update_of_ones_own_may_extend_that_of_the_core():
    class Doubled(optimizers.Adam):
        def update(self, w, g, new, scratch, slots, rate):
            np.multiply(g, 2, out=scratch)
            super().update(w, scratch, new, scratch, slots, rate)

    np.testing.assert_array_equal(run(Doubled()), run(optimizers.Adam(), [2 * g for g in GRADIENTS]))


def test_an_optimizer_belongs_to_one_model():
    a, b, optimizer = Variable(np.zeros(2), name="a"), Variable(np.zeros(2), name="b"), optimizers.Adam()
    optimizer.apply([np.ones(2)], [a])
    before = [w.copy() for w in optimizer.get_weights()]
    with pytest.raises(
        ValueError, match="this Adam must train the weights it began with, a and others, got b as a new one; give every"
    ):
        optimizer.apply([np.ones(2)], [b])
    np.testing.assert_array_equal(b.value, [0, 0])
    for now, then in zip(optimizer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("through", [lambda pair: pair, copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_weights_left_out_for_a_while_keep_their_momenta(through):
    variables, optimizer = (
        [Variable(np.zeros(1), name="a"), Variable(np.zeros(1), name="b")],
        optimizers.SGD(1.0, momentum=0.5),
    )
    optimizer.apply([np.ones(1)] * 2, variables)
    optimizer.apply([np.zeros(1)], variables[:1])
    variables, optimizer = through((variables, optimizer))
    optimizer.apply([np.zeros(1)] * 2, variables)
    # Steps of a: -1, -0.5, -0.25; b misses the second one.
    np.testing.assert_array_equal([v.value[0] for v in variables], [-1.75, -1.5])


def test_steps_of_two_threads_follow_each_other():
    variable, optimizer = Variable(np.zeros(50_000, np.float32), name="w"), optimizers.SGD(1.0)
    work = lambda g: [optimizer.apply([np.full(50_000, g, np.float32)], [variable]) for _ in range(100)]  # noqa: E731
    threads = [threading.Thread(target=work, args=(g,)) for g in (1.0, 2.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert optimizer.iterations == 200
    np.testing.assert_array_equal(variable.value, -300.0)  # small whole numbers are exact in float32


OTHERS = {
    "nadam": optimizers.Nadam(0.1),
    "adagrad": optimizers.Adagrad(0.1),
    "adadelta": optimizers.Adadelta(0.1),
    "adamax": optimizers.Adamax(0.1),
    "lion": optimizers.Lion(0.1),
    "ftrl": optimizers.Ftrl(0.1),
    "adafactor": optimizers.Adafactor(0.1),
    "lamb": optimizers.Lamb(0.1),
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_optimizer_finds_the_bottom_of_a_bowl(name):
    optimizer = optimizers.get({"class_name": name, "config": OTHERS[name].get_config()})
    variable = Variable(np.array([[1.0, -2.0], [0.5, 0.25]]), name="w")
    for _ in range(300):
        before = np.square(variable.numpy()).sum()
        optimizer.apply([variable.numpy()], [variable])
    # Adadelta begins with steps of the root of its epsilon, 3e-4.
    assert np.square(variable.numpy()).sum() < (5.2 if name == "adadelta" else 0.5)
    assert before < 5.3125


def test_ftrl_cannot_make_a_step_of_nothing():
    with pytest.raises(ValueError, match=r"learning_rate must be above 0 in every step of Ftrl, .* got 0"):
        run(optimizers.Ftrl(optimizers.schedules.PolynomialDecay(0.1, 1, 0.0)))


@pytest.mark.parametrize("name", OTHERS)
def test_every_optimizer_goes_on_from_its_state_and_leaves_gradients_alone(name):
    config, rng = (
        OTHERS[name].get_config() | {"use_ema": True, "gradient_accumulation_steps": 2},
        np.random.default_rng(0),
    )
    one, two = (type(OTHERS[name]).from_config(config) for _ in range(2))
    first = [
        Variable(rng.normal(size=shape).astype(dtype), name="w") for shape, dtype in (((3, 2), "f4"), ((4,), "f8"))
    ]
    for _ in range(5):
        gradients = [rng.normal(size=v.shape).astype(v.dtype) for v in first]
        kept = copy.deepcopy(gradients)
        one.apply(gradients, first)
        np.testing.assert_equal(gradients, kept)
    second = [Variable(v.numpy(), name="w") for v in first]
    two.build(second)
    two.set_weights(one.get_weights())
    assert (two.iterations, len(two.get_weights())) == (2, len(one.get_weights()))
    for step in range(3):
        gradients = [np.full(v.shape, step - 1.0, v.dtype) for v in first]
        one.apply(gradients, first)
        two.apply(gradients, second)
    for a, b in zip(
        [*(v.value for v in first), *one.get_weights()], [*(v.value for v in second), *two.get_weights()], strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_gradients_are_accumulated():
    whole, parts = Variable(START, name="w"), Variable(START, name="w")
    by_two, plain = (
        optimizers.Adam(0.1, gradient_accumulation_steps=2, clipnorm=1.0),
        optimizers.Adam(0.1, clipnorm=1.0),
    )
    for k in range(6):
        by_two.apply([GRADIENTS[k % 3] * (1 if k % 2 else -1)], [parts])
        if k % 2:
            assert by_two.iterations == (k + 1) // 2
            mean = sum(GRADIENTS[j % 3] * (1 if j % 2 else -1) for j in (k - 1, k)) / 2
            plain.apply([mean], [whole])
        np.testing.assert_allclose(parts.value, whole.value, atol=EXACT)


def test_means_of_weights_follow_and_take_their_place():
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3)
    w = Variable(np.zeros(1), name="w")
    seen = []
    for _ in range(4):
        optimizer.apply([-np.ones(1)], [w])
        seen.append(float(w.value[0]))
    # Means: 1, 1.5, 2.25, and (2.25 + 3.25) / 2.
    assert seen == [1, 2, 2.25, 3.25]
    optimizer.finalize_variable_values([w])
    assert w.value[0] == 2.75
    plain = Variable(np.zeros(1), name="w")
    optimizers.SGD().finalize_variable_values([plain])
    assert plain.value[0] == 0


def test_a_constraint_holds_for_means_too():
    w = Variable(np.ones(2), name="w", constraint=constraints.NonNeg())
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_overwrite_frequency=1, gradient_accumulation_steps=2)
    for _ in range(4):
        optimizer.apply([np.array([3.0, -1.0])], [w])
    assert (w.value >= 0).all()


def test_schedules_by_hand():
    s = optimizers.schedules
    assert [s.PolynomialDecay(1.0, 4, 0.0, cycle=True)(k) for k in (0, 2, 4, 6)] == [1, 0.5, 0, 0.25]
    assert s.InverseTimeDecay(1.0, 2, 1.0, staircase=True)(3) == 0.5
    restarts = s.CosineDecayRestarts(1.0, 2, t_mul=1.0, m_mul=0.5)
    assert [restarts(k) for k in (0, 1, 2, 3, 4)] == pytest.approx([1, 0.5, 0.5, 0.25, 0.25])
    with pytest.raises(ValueError, match="values must hold one number more than boundaries, 2, got 1"):
        s.PiecewiseConstantDecay([1], [0.1])
    with pytest.raises(ValueError, match="boundaries must be rising numbers"):
        s.PiecewiseConstantDecay([2, 1], [0.1, 0.1, 0.1])


def test_a_training_ends_with_the_means(data):
    x, y = data
    net = Sequential([Input((5, 3)), layers.SimpleRNN(2), layers.Dense(4, activation="softmax")])
    net.compile(optimizers.SGD(0.1, use_ema=True), "categorical_crossentropy")
    net.fit(x, y, batch_size=35, epochs=1, verbose=0)
    means = [slots[0] for slots in net.optimizer._slots.by_variable()]
    np.testing.assert_equal([w.numpy() for w in net.trainable_variables], means)


@pytest.mark.parametrize("name", ["sgd", "adam", "ftrl"])
@pytest.mark.parametrize("table", [False, True])
def test_a_pickled_model_is_its_weights_and_slots(name, table):
    """What a step makes for itself is not in it."""
    first = layers.Embedding(500, 40) if table else layers.Dense(40)
    model = Sequential([Input((6,) if table else (6, 500)), first, layers.LSTM(50), layers.Dense(3)])
    model.compile(name, "mse", metrics=["mae"])
    x = np.arange(48).reshape(8, 6) if table else np.ones((8, 6, 500), np.float32)
    model.fit(x, np.ones((8, 3)), epochs=3, batch_size=4, verbose=0)
    kept = sum(part.nbytes for part in (*model.get_weights(), *model.optimizer.get_weights()))
    text = pickle.dumps(model)
    assert len(text) < 1.02 * kept + 20_000  # places of a table's rows, and everything that is not an array
    again = pickle.loads(text)
    for one in (model, again):
        one.fit(x, np.ones((8, 3)), shuffle=False, batch_size=4, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
