"""The cells."""
class LSTMCell: pass
class GRUCell: pass
class RNNCell: pass
