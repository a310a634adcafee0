"""Augmentation of a batch of sounds: 16-bit samples in and out, as a microphone could have given them."""

import torch
from torch import Tensor

from smidgen.types import Changes

QUIETEST = 40.0  # dB below the given level: where added noise begins


def change(raw: Tensor, changes: Changes, seed: int) -> Tensor:
    """Each sound changed in its own way, int16 (batch, samples); the seed decides all.

    Args:
        raw: the batch.
        changes: `speed`: share, either way, of tempo and pitch alike; `shift`: share of the length, either way;
            `gain`: dB, either way; `noise`: the most noise in seven of ten, as a share of the sound's own level (root
            mean square), white or pink; `mask`: the longest stretch to be silenced, as a share of the length.
        seed: of all that is random.
    """
    if not any(changes.values()):
        return raw
    dice = torch.Generator().manual_seed(seed)
    sound = raw.float()
    if changes.get("speed") or changes.get("shift"):
        sound = _move(sound, changes.get("speed", 0.0), changes.get("shift", 0.0), dice)
    if gain := changes.get("gain"):
        sound = sound * 10 ** (_spread(len(raw), gain, dice) / 20)
    if noise := changes.get("noise"):
        sound = sound + _noise(sound, noise, dice)
    if mask := changes.get("mask"):
        sound = sound * _kept(sound, mask, dice)
    return sound.round_().clamp_(-32768, 32767).to(torch.int16)


def _move(sound: Tensor, speed: float, shift: float, dice: torch.Generator) -> Tensor:
    """Slower or faster about the middle, then earlier or later; silence comes in from outside."""
    batch, count = sound.shape
    middle = (count - 1) / 2
    rate, by = 1 + _spread(batch, speed, dice), (_spread(batch, shift, dice) * count).round()
    places = (torch.arange(count) - by - middle) * rate + middle
    low = places.floor()
    share = places - low
    return _taken(sound, low.long()) * (1 - share) + _taken(sound, low.long() + 1) * share


def _taken(sound: Tensor, places: Tensor) -> Tensor:
    count = sound.shape[1]
    inside = (places >= 0) & (places < count)
    return sound.gather(1, places.clamp(0, count - 1)) * inside


def _noise(sound: Tensor, most: float, dice: torch.Generator) -> Tensor:
    """White noise for half of the sounds, pink (1/f power) for the others, none for three of ten."""
    batch, count = sound.shape
    white = torch.randn(batch, count, generator=dice)
    spectrum = torch.fft.rfft(white)
    pink = torch.fft.irfft(spectrum / torch.arange(spectrum.shape[1]).clamp_min(1).sqrt(), n=count)
    pink = pink / pink.std(1, keepdim=True)
    made = torch.where(torch.rand(batch, 1, generator=dice) < 0.5, white, pink)
    level = sound.square().mean(1, keepdim=True).sqrt() * most
    quieter = 10 ** (-QUIETEST * torch.rand(batch, 1, generator=dice) / 20)
    return made * level * quieter * (torch.rand(batch, 1, generator=dice) < 0.7)


def _kept(sound: Tensor, most: float, dice: torch.Generator) -> Tensor:
    """0 in one stretch of each sound and 1 elsewhere (the time masks of Park et al. 2019, arXiv:1904.08779)."""
    batch, count = sound.shape
    width, centre = (torch.rand(batch, 1, generator=dice) * count for _ in range(2))
    return ((torch.arange(count) - centre).abs() > width * most / 2).float()


def _spread(batch: int, most: float, dice: torch.Generator) -> Tensor:
    """Uniform in -most..most, (batch, 1)."""
    return (torch.rand(batch, 1, generator=dice) * 2 - 1) * most
