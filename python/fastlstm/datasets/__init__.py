"""Data sets small enough to travel with the package."""

from fastlstm.datasets._japanese_vowels import JapaneseVowels, japanese_vowels

__all__ = ["JapaneseVowels", "japanese_vowels"]
