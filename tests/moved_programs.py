"""Programs as people publish them with a recurrent layer in PyTorch, and the same here.

Every class of PyTorch is followed by a function that makes the same of its ``state_dict``: what a move takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils import rnn

import fastlstm as fl


class PlainClassifier(nn.Module):
    """Sequences to classes, from zeros, by the last step."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden_size, self.num_layers = 24, 2
        self.lstm = nn.LSTM(8, 24, 2, batch_first=True)
        self.fc = nn.Linear(24, 5)

    def forward(self, x: Any) -> Any:
        h0 = torch.zeros(self.num_layers, x.size(0), self.hidden_size)
        c0 = torch.zeros(self.num_layers, x.size(0), self.hidden_size)
        out, _ = self.lstm(x, (h0, c0))
        return self.fc(out[:, -1, :])


def moved_plain_classifier(weights: Any) -> Any:
    net = fl.Chain.from_state_dict(weights, batch_first=True, lstm=fl.LSTM, last=fl.LastStep(), fc=fl.Linear)
    return lambda x: net(x)[0]


class Forecaster(nn.Module):
    """A series to its next values, with dropout and two heads of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(1, 16, num_layers=2, dropout=0.2, batch_first=True)
        self.dropout = nn.Dropout(0.2)
        self.fc1 = nn.Linear(16, 8)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        _, h_n = self.gru(x)
        return self.fc2(self.relu(self.fc1(self.dropout(h_n[-1]))))


def moved_forecaster(weights: Any) -> Any:
    net = fl.Chain.from_state_dict(
        weights,
        batch_first=True,
        gru=fl.GRU,
        final=fl.FinalHidden(),
        dropout=fl.Dropout(0.2),
        fc1=fl.Linear,
        relu=fl.ReLU(),
        fc2=fl.Linear,
    )
    return lambda x: net(x)[0]


class CharacterModel(nn.Module):
    """The next character from the ones before; generation keeps the hidden state."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Embedding(20, 12)
        self.rnn = nn.LSTM(12, 16, 2)
        self.decoder = nn.Linear(16, 20)

    def forward(self, x: Any, hidden: Any) -> Any:
        output, hidden = self.rnn(self.encoder(x), hidden)
        return self.decoder(output), hidden

    def generate(self, start: list[int], length: int) -> list[int]:
        hidden, text = None, list(start)
        for character in start[:-1]:
            _, hidden = self(torch.tensor([[character]]), hidden)
        for _ in range(length):
            output, hidden = self(torch.tensor([[text[-1]]]), hidden)
            text.append(int(output[-1, 0].argmax()))
        return text


def moved_character_model(weights: Any) -> Any:
    net = fl.Chain.from_state_dict(weights, encoder=fl.Embedding, rnn=fl.LSTM, decoder=fl.Linear)

    def generate(start: list[int], length: int) -> list[int]:
        stream, text = net.stream(), list(start)
        for character in start[:-1]:
            stream.step(character)
        for _ in range(length):
            text.append(int(stream.step(text[-1]).argmax()))
        return text

    return generate


class Sentiment(nn.Module):
    """Reviews of several lengths, packed, both directions."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 12, padding_idx=0)
        self.rnn = nn.LSTM(12, 10, num_layers=2, bidirectional=True, dropout=0.5)
        self.fc = nn.Linear(20, 1)
        self.dropout = nn.Dropout(0.5)

    def forward(self, text: Any, lengths: Any) -> Any:
        embedded = self.dropout(self.embedding(text))
        packed = rnn.pack_padded_sequence(embedded, lengths, enforce_sorted=False)
        _, (hidden, _) = self.rnn(packed)
        hidden = self.dropout(torch.cat((hidden[-2], hidden[-1]), dim=1))
        return torch.sigmoid(self.fc(hidden)).squeeze(1)


def moved_sentiment(weights: Any) -> Any:
    net = fl.Chain.from_state_dict(
        weights, embedding=fl.Embedding, rnn=fl.LSTM, final=fl.FinalHidden(), fc=fl.Linear, out=fl.Sigmoid()
    )
    return lambda text, lengths: net(text, lengths=lengths)[0][:, 0]


class Attention(nn.Module):
    """All steps weighed by a layer of one output."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(6, 10, batch_first=True, bidirectional=True)
        self.attention = nn.Linear(20, 1)
        self.fc = nn.Linear(20, 4)

    def forward(self, x: Any) -> Any:
        out, _ = self.lstm(x)
        weights = torch.softmax(self.attention(torch.tanh(out)), dim=1)
        return self.fc((weights * out).sum(dim=1))


def moved_attention(weights: Any) -> Any:
    lstm = fl.LSTM.from_state_dict(weights, "lstm.", batch_first=True)
    attention = fl.Linear.from_state_dict(weights, "attention.")
    fc = fl.Linear.from_state_dict(weights, "fc.")
    softmax = fl.Softmax(dim=1)

    def forward(x: Any) -> Any:
        out, _ = lstm(x)
        shares = softmax(attention(np.tanh(out)))
        return fc((shares * out).sum(axis=1))

    return forward


class Translator(nn.Module):
    """An encoder, whose state starts a decoder that takes its own words."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.ModuleDict({"embedding": nn.Embedding(15, 8), "gru": nn.GRU(8, 12)})
        self.decoder = nn.ModuleDict({"embedding": nn.Embedding(18, 8), "gru": nn.GRU(8, 12), "out": nn.Linear(12, 18)})

    def forward(self, source: Any, steps: int) -> list[int]:
        _, hidden = self.encoder["gru"](self.encoder["embedding"](source))
        word, words = torch.zeros(1, 1, dtype=torch.long), []
        for _ in range(steps):
            output, hidden = self.decoder["gru"](torch.relu(self.decoder["embedding"](word)), hidden)
            word = torch.log_softmax(self.decoder["out"](output[0]), dim=1).argmax(1, keepdim=True)
            words.append(int(word))
        return words


def moved_translator(weights: Any) -> Any:
    encoder = fl.Chain.from_state_dict(weights, "encoder.", embedding=fl.Embedding, gru=fl.GRU)
    decoder = fl.Chain.from_state_dict(
        weights, "decoder.", embedding=fl.Embedding, relu=fl.ReLU(), gru=fl.GRU, out=fl.Linear, shares=fl.LogSoftmax()
    )

    def forward(source: Any, steps: int) -> list[int]:
        _, hidden = encoder(source)
        word, words = 0, []
        for _ in range(steps):
            output, hidden = decoder([[word]], hidden)
            word = int(output.argmax())
            words.append(word)
        return words

    return forward


class Sine(nn.Module):
    """Two cells in a loop, which goes on with what it said itself."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm1 = nn.LSTMCell(1, 11)
        self.lstm2 = nn.LSTMCell(11, 11)
        self.linear = nn.Linear(11, 1)

    def forward(self, x: Any, future: int) -> Any:
        outputs = []
        h_t, c_t, h_t2, c_t2 = (torch.zeros(x.size(0), 11) for _ in range(4))
        for input_t in x.split(1, dim=1):
            h_t, c_t = self.lstm1(input_t, (h_t, c_t))
            h_t2, c_t2 = self.lstm2(h_t, (h_t2, c_t2))
            outputs.append(self.linear(h_t2))
        for _ in range(future):
            h_t, c_t = self.lstm1(outputs[-1], (h_t, c_t))
            h_t2, c_t2 = self.lstm2(h_t, (h_t2, c_t2))
            outputs.append(self.linear(h_t2))
        return torch.cat(outputs, dim=1)


def moved_sine(weights: Any) -> Any:
    lstm1 = fl.LSTMCell.from_state_dict(weights, "lstm1.")
    lstm2 = fl.LSTMCell.from_state_dict(weights, "lstm2.")
    linear = fl.Linear.from_state_dict(weights, "linear.")

    def forward(x: Any, future: int) -> Any:
        outputs = []
        state1 = state2 = None
        for input_t in np.split(x, x.shape[1], axis=1):
            state1 = lstm1(input_t, state1)
            state2 = lstm2(state1[0], state2)
            outputs.append(linear(state2[0]))
        for _ in range(future):
            state1 = lstm1(outputs[-1], state1)
            state2 = lstm2(state1[0], state2)
            outputs.append(linear(state2[0]))
        return np.concatenate(outputs, axis=1)

    return forward


def drawn(*shape: int) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


SOURCE = torch.tensor([[3], [9], [14], [2]])
TEXT = torch.tensor([[4, 9, 7], [8, 9, 7], [15, 1, 0], [16, 0, 0]])
PROGRAMS: dict[str, tuple[Any, Any, str, tuple[Any, ...]]] = {
    "plain classifier": (PlainClassifier, moved_plain_classifier, "forward", (drawn(3, 9, 8),)),
    "forecaster": (Forecaster, moved_forecaster, "forward", (drawn(4, 12, 1),)),
    "character model": (CharacterModel, moved_character_model, "generate", ([3, 1, 4, 1, 5], 30)),
    "sentiment": (Sentiment, moved_sentiment, "forward", (TEXT, torch.tensor([4, 3, 2]))),
    "attention": (Attention, moved_attention, "forward", (drawn(3, 7, 6),)),
    "translator": (Translator, moved_translator, "forward", (SOURCE, 12)),
    "sine": (Sine, moved_sine, "forward", (drawn(2, 10), 15)),
}
"""The class, the function that moves it, the method that both have, and its arguments."""
