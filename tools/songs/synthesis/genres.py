"""The ten genres of the synthetic data set: a `Style` for each of GTZAN's names.

Neighbours overlap on purpose in tempo, instruments and sound (rock and metal, pop and disco, blues, jazz and country,
hiphop and reggae), as genres do: no single measure tells them apart.
"""

from __future__ import annotations

from tools.songs.synthesis.charts import disco, hiphop, metal, pop, rock
from tools.songs.synthesis.roots import blues, classical, country, jazz, reggae
from tools.songs.synthesis.style import Style

STYLES: dict[str, Style] = {
    "blues": blues(),
    "classical": classical(),
    "country": country(),
    "disco": disco(),
    "hiphop": hiphop(),
    "jazz": jazz(),
    "metal": metal(),
    "pop": pop(),
    "reggae": reggae(),
    "rock": rock(),
}
