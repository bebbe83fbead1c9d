"""Random networks of the whole catalogue are what is said of them, in every form."""

from hypothesis import given
from modules import cases
from properties import PROPERTIES
import pytest
from support.random_networks import networks
