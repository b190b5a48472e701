"""What names stand for that `fastlstm.keras` has nothing for, or something with other arguments."""
