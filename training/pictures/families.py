"""The font families that printed digits and letters are rendered from, with their licences: all free, all in Debian.

The licence is the one that the package's `copyright` file gives for the fonts. Families drawn after one another, or by
one program from one skeleton, share a `design`: they never meet across training, validation and test.
"""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "serif", "sans", "mono", "slab", "condensed", "typewriter", "ocr", "segment", "pixel", "display", "hand", "script"
]
"""How the digits look. `hand`: handwriting; `script`: letters of another script, no digits wanted."""

OFL = "OFL-1.1"
GPL_FE = "GPL-2+ with font exception"


@dataclass(frozen=True, slots=True)
class Family:
    """One font family: its Debian packages (names without `fonts-`), and which of their files are its styles.

    `files` and `but` are shell patterns, separated by spaces, for file names without their suffix.
    """

    name: str
    kind: Kind
    licence: str
    packages: str
    files: str
    but: str = ""
    design: str = ""
    kin: str = ""
    """Of families whose digits are alike, or nearly, and that were dealt out as if they were not."""
    letters: str = ""
    """Of a script: how the Unicode names of its letters begin."""

    @property
    def lineage(self) -> str:
        """What keeps related families together."""
        return self.design or self.name


FAMILIES = (
    # serif
    Family("Accanthis ADF", "serif", GPL_FE, "adf-accanthis", "Accanthis*"),
    Family("Baskervald ADF", "serif", GPL_FE, "adf-baskervald", "Baskervald*"),
    Family("Berenis ADF", "serif", GPL_FE, "adf-berenis", "BerenisADFPro-*"),
    Family("Irianis ADF", "serif", GPL_FE, "adf-irianis", "Irianis*"),
    Family("Romande ADF", "serif", GPL_FE, "adf-romande", "Romande*", but="*Script*"),
    Family("Tribun ADF", "serif", GPL_FE, "adf-tribun", "Tribun*"),
    Family("Verana ADF", "serif", GPL_FE, "adf-verana", "Verana-*", design="Vera"),
    Family("Arapey", "serif", OFL, "arapey", "Arapey*"),
    Family("Averia Serif", "serif", OFL, "averia-serif-gwf", "AveriaSerif*", design="Averia"),
    Family("Caladea", "serif", OFL, "crosextra-caladea", "Caladea*"),
    Family("Cardo", "serif", OFL, "cardo", "Cardo*"),
    Family("Century Catalogue", "serif", "OFL-1.0", "century-catalogue", "Century*", design="Century"),
    Family("CMU Serif", "serif", OFL, "cmu", "cmunrm cmunbx cmunbi cmunti cmunsl cmunci", design="Computer Modern"),
    Family("C059", "serif", "AGPL-3 with font exception", "urw-base35", "C059-*", design="Century"),
    Family("DejaVu Serif", "serif", "Bitstream Vera", "dejavu-core dejavu-extra", "DejaVuSerif*", design="Vera"),
    Family("Dustismo Roman", "serif", "GPL-2+", "dustin", "Dustismo_Roman*"),
    Family("EB Garamond", "serif", OFL, "ebgaramond", "EBGaramond*"),
    Family("Essays 1743", "serif", "OFL-1.1 or LGPL-2.1", "essays1743", "Essays*"),
    Family("Fanwood", "serif", "MIT", "fanwood", "Fanwood*"),
    Family("FreeSerif", "serif", "GPL-3+ with font exception", "freefont-ttf", "FreeSerif*", design="Times"),
    Family("Gentium Basic", "serif", OFL, "sil-gentium-basic", "Gen*"),
    Family("Caslon", "serif", "OFL-1.1 or BSD-3-clause", "georgewilliams", "Caslon*"),
    Family("GFS Artemisia", "serif", OFL, "gfs-artemisia", "GFSArtemisia*"),
    Family("GFS Bodoni Classic", "serif", OFL, "gfs-bodoni-classic", "GFSBodoni*"),
    Family("GFS Didot", "serif", OFL, "gfs-didot", "GFSDidot*"),
    Family("Goudy Bookletter 1911", "serif", "public domain", "goudybookletter", "Goudy*"),
    Family("Charis SIL Compact", "serif", OFL, "sil-charis-compact", "Charis*"),
    Family("Liberation Serif", "serif", OFL, "liberation2", "LiberationSerif*", design="Times"),
    Family("Linden Hill", "serif", "MIT", "lindenhill", "LindenHill*"),
    Family("Linux Libertine", "serif", "GPL-2+ with font exception or OFL-1.1", "linuxlibertine", "LinLibertine_[RD]*",
           design="Libertine"),
    Family("Nimbus Roman", "serif", "AGPL-3 with font exception", "urw-base35", "NimbusRoman-*", design="Times"),
    Family("Norasi", "serif", GPL_FE, "tlwg-norasi-ttf", "Norasi*", design="Times"),
    Family("Noto Serif", "serif", OFL, "noto-core", "NotoSerif-* NotoSerifDisplay-*", design="Droid"),
    Family("Old Standard", "serif", "OFL-1.0", "oldstandard", "OldStandard*"),
    Family("P052", "serif", "AGPL-3 with font exception", "urw-base35", "P052-*"),
    Family("Prociono", "serif", "public domain", "prociono", "Prociono*"),
    Family("PT Serif", "serif", "ParaType Free Font License", "paratype", "PTF* PTZ*", design="PT"),
    Family("Quattrocento", "serif", OFL, "quattrocento", "Quattrocento*"),
    Family("URW Bookman", "serif", "AGPL-3 with font exception", "urw-base35", "URWBookman-*"),
    Family("Vollkorn", "serif", OFL, "vollkorn", "Vollkorn*"),
    # sans
    Family("Allerta", "sans", OFL, "allerta", "allerta_medium"),
    Family("Andika Compact", "sans", OFL, "sil-andika-compact", "Andika*"),
    Family("Averia Sans", "sans", OFL, "averia-gwf averia-sans-gwf", "Averia*", design="Averia"),
    Family("B612", "sans", "OFL-1.1 or EPL-2.0", "b612", "B612*"),
    Family("Berenika", "sans", OFL, "klaudia-berenika", "Berenika* Klaudia*"),
    Family("Beteckna", "sans", "GPL-3", "beteckna", "BetecknaGS*", but="*Mac"),
    Family("Cabin", "sans", OFL, "cabin", "Cabin*"),
    Family("Caliban", "sans", "OFL-1.1 or BSD-3-clause", "georgewilliams", "Caliban", design="Helvetica"),
    Family("Cantarell", "sans", OFL, "cantarell", "Cantarell*"),
    Family("Carlito", "sans", OFL, "crosextra-carlito", "Carlito*", design="Lato"),
    Family("Clear Sans", "sans", "Apache-2.0", "clear-sans", "ClearSans*"),
    Family("CMU Sans", "sans", OFL, "cmu", "cmunss cmunsx cmunsi cmunso cmunb[ms]*", design="Computer Modern"),
    Family("Comfortaa", "sans", OFL, "comfortaa", "Comfortaa*"),
    Family("DejaVu Sans", "sans", "Bitstream Vera", "dejavu-core dejavu-extra", "DejaVuSans*", but="*Mono*",
           design="Vera"),
    Family("Dosis", "sans", OFL, "dosis", "Dosis*"),
    Family("Dustismo", "sans", "GPL-2+", "dustin", "Dustismo dustismo_*"),
    Family("Eurofurence", "sans", OFL, "eurofurence", "eurof[0-9c]*", kin="monofur"),
    Family("FreeSans", "sans", "GPL-3+ with font exception", "freefont-ttf", "FreeSans*", design="Helvetica"),
    Family("GFS Neohellenic", "sans", OFL, "gfs-neohellenic", "GFSNeohellenic*"),
    Family("Gillius ADF", "sans", GPL_FE, "adf-gillius", "Gillius*"),
    Family("Go", "sans", "BSD-3-clause", "go", "Go-*", but="*Mono* *Smallcaps*", design="Go"),
    Family("Ikarius ADF", "sans", GPL_FE, "adf-ikarius", "Ikarius*"),
    Family("Inter", "sans", OFL, "inter", "Inter-* InterDisplay-*"),
    Family("Junction", "sans", OFL, "junction", "Junction*"),
    Family("Jura", "sans", OFL, "jura", "Jura*"),
    Family("Karla", "sans", OFL, "karla", "Karla-* KarlaTamil*"),
    Family("Laksaman", "sans", GPL_FE, "tlwg-laksaman-ttf", "Laksaman*"),
    Family("Lato", "sans", OFL, "lato", "Lato*", design="Lato"),
    Family("League Spartan", "sans", OFL, "league-spartan", "LeagueSpartan-*"),
    Family("Liberation Sans", "sans", OFL, "liberation2", "LiberationSans*", design="Helvetica"),
    Family("Libris ADF", "sans", GPL_FE, "adf-libris", "Libris*"),
    Family("Linux Biolinum", "sans", "GPL-2+ with font exception or OFL-1.1", "linuxlibertine", "LinBiolinum_R*",
           design="Libertine"),
    Family("Loma", "sans", GPL_FE, "tlwg-loma-ttf", "Loma*", design="Helvetica"),
    Family("Manrope", "sans", OFL, "manrope", "Manrope*"),
    Family("Mekanus ADF", "sans", GPL_FE, "adf-mekanus", "Mekanus*"),
    Family("National Park", "sans", OFL, "national-park", "NationalPark*", but="*Outline"),
    Family("Nimbus Sans", "sans", "AGPL-3 with font exception", "urw-base35", "NimbusSans-*", design="Helvetica"),
    Family("Noto Sans", "sans", OFL, "noto-core", "NotoSans-* NotoSansDisplay-*", design="Droid"),
    Family("Okolaks", "sans", OFL, "okolaks", "okolaks*"),
    Family("Open Sans", "sans", "Apache-2.0", "open-sans", "OpenSans*", design="Droid"),
    Family("OpenDyslexic", "sans", "Bitstream Vera", "opendyslexic", "OpenDyslexic*", but="*Mono*"),
    Family("osifont", "sans", "LGPL-3 with font exception", "osifont", "osifont"),
    Family("Oxygen Sans", "sans", OFL, "oxygen", "Oxygen-Sans*", kin="Oxygen"),
    Family("Play", "sans", OFL, "play", "Play*"),
    Family("PT Sans", "sans", "ParaType Free Font License", "paratype", "PTS* PTC*", design="PT"),
    Family("Quicksand", "sans", OFL, "quicksand", "Quicksand*"),
    Family("Roboto", "sans", "Apache-2.0", "roboto-unhinted", "Roboto-*", design="Roboto"),
    Family("Routed Gothic", "sans", OFL, "routed-gothic", "routed-gothic*"),
    Family("Sawasdee", "sans", GPL_FE, "tlwg-sawasdee-ttf", "Sawasdee*", design="Avant Garde"),
    Family("Solothurn", "sans", GPL_FE, "adf-solothurn", "Solothurn*"),
    Family("Sora", "sans", OFL, "sora", "Sora-*"),
    Family("Switzera ADF", "sans", GPL_FE, "adf-switzera", "Switzera*", design="Helvetica"),
    Family("Tiresias", "sans", "GPL-3+ with font exception", "tiresias", "tiresias_*"),
    Family("Tuffy", "sans", "public domain", "tuffy", "Tuffy*"),
    Family("Universalis ADF", "sans", GPL_FE, "adf-universalis", "Universalis*"),
    Family("URW Gothic", "sans", "AGPL-3 with font exception", "urw-base35", "URWGothic-*", design="Avant Garde"),
    Family("Verana Sans ADF", "sans", GPL_FE, "adf-verana", "VeranaSans*", design="Vera"),
    # slab and condensed
    Family("CMU Concrete", "slab", OFL, "cmu", "cmuno[brt]*", design="Computer Modern"),
    Family("Rasa", "slab", OFL, "yrsa-rasa", "Rasa* Yrsa*"),
    Family("Roboto Slab", "slab", "Apache-2.0", "roboto-slab", "RobotoSlab*", design="Roboto"),
    Family("Bebas Neue", "condensed", OFL, "bebas-neue", "BebasNeue*"),
    Family("Engadget", "condensed", "LGPL-2+", "engadget", "Engadget"),
    Family("Gemunu Libre", "condensed", OFL, "gemunu-libre", "Gemunu*"),
    Family("Nimbus Sans Narrow", "condensed", "AGPL-3 with font exception", "urw-base35", "NimbusSansNarrow-*",
           design="Helvetica"),
    Family("OSP DIN", "condensed", OFL, "opendin", "OSP-DIN"),
    Family("PT Sans Narrow", "condensed", "ParaType Free Font License", "paratype", "PTN*", design="PT"),
    Family("Roadgeek", "condensed", "MIT", "roadgeek", "RG2014*"),
    Family("Roboto Condensed", "condensed", "Apache-2.0", "roboto-unhinted", "RobotoCondensed-*", design="Roboto"),
    Family("Smiley Sans", "condensed", OFL, "smiley-sans", "SmileySans*"),
    Family("Yanone Kaffeesatz", "condensed", OFL, "yanone-kaffeesatz", "Yanone*"),
    # mono and typewriter
    Family("Agave", "mono", "MIT", "agave", "agave*"),
    Family("Anonymous Pro", "mono", OFL, "anonymous-pro", "Anonymous*"),
    Family("DejaVu Sans Mono", "mono", "Bitstream Vera", "dejavu-core dejavu-extra", "DejaVuSansMono*", design="Vera"),
    Family("Fantasque Sans Mono", "mono", OFL, "fantasque-sans", "Fantasque*"),
    Family("Fira Code", "mono", OFL, "firacode", "FiraCode*"),
    Family("Go Mono", "mono", "BSD-3-clause", "go", "Go-Mono*", design="Go"),
    Family("Hack", "mono", "MIT and Bitstream Vera", "hack", "Hack*", design="Vera"),
    Family("Hermit", "mono", OFL, "hermit", "Hermit*"),
    Family("IBM 3270", "mono", "BSD-3-clause or OFL-1.1", "3270", "3270*"),
    Family("Inconsolata", "mono", "OFL-1.0", "inconsolata", "Inconsolata*"),
    Family("JetBrains Mono", "mono", OFL, "jetbrains-mono", "JetBrains*"),
    Family("League Mono", "mono", OFL, "league-mono", "LeagueMono-*"),
    Family("Liberation Mono", "mono", OFL, "liberation2", "LiberationMono*"),
    Family("monofur", "mono", OFL, "monofur", "monof*", kin="monofur"),
    Family("Monoid", "mono", "MIT or OFL-1.1", "monoid", "Monoid*"),
    Family("mononoki", "mono", OFL, "mononoki", "mononoki*"),
    Family("Noto Mono", "mono", OFL, "noto-mono", "Noto*Mono-*", design="Droid"),
    Family("Oxygen Mono", "mono", OFL, "oxygen", "OxygenMono*", kin="Oxygen"),
    Family("PT Mono", "mono", "ParaType Free Font License", "paratype", "PTM*", design="PT"),
    Family("CMU Typewriter", "typewriter", OFL, "cmu", "cmun[tv]t cmuntb cmuntx cmunit cmunst cmunbt*",
           design="Computer Modern"),
    Family("Courier Prime", "typewriter", OFL, "courier-prime", "Courier*", design="Courier"),
    Family("FreeMono", "typewriter", "GPL-3+ with font exception", "freefont-ttf", "FreeMono*", design="Courier"),
    Family("GNU Typewriter", "typewriter", OFL, "gnutypewriter", "GNUTypewriter"),
    Family("GW Monospace", "typewriter", "OFL-1.1 or BSD-3-clause", "georgewilliams", "GWMonospace*"),
    Family("Nimbus Mono", "typewriter", "AGPL-3 with font exception", "urw-base35", "NimbusMonoPS-*",
           design="Courier"),
    # made for machines
    Family("OCR-A", "ocr", "public domain", "ocr-a", "OCRA*"),
    Family("OCR-B", "ocr", "public domain", "ocr-b", "OCRB*", but="OCRBX"),
    Family("DSEG7", "segment", OFL, "dseg", "DSEG7*", but="*SEGGCHAN*", design="DSEG"),
    Family("DSEG14", "segment", OFL, "dseg", "DSEG14*", design="DSEG"),
    Family("Px IBM", "pixel", "CC-BY-SA-4.0", "pc", "Px_*"),
    Family("Spleen", "pixel", "BSD-2-clause", "spleen", "spleen-*"),
    Family("Unifont", "pixel", "GPL-2+ with font exception", "unifont", "unifont"),
    # display
    Family("Bandal", "display", "Artistic", "alee", "Bandal Bangwool"),
    Family("Leckerli One", "display", OFL, "leckerli-one", "Leckerli*"),
    Family("Lobster", "display", OFL, "lobster lobstertwo", "*obster*"),
    Family("Oldania ADF", "display", GPL_FE, "adf-oldania", "Oldania*"),
    Family("Junkyard", "display", "GPL-2+", "dustin", "Junkyard"),
    Family("Ubuntu Title", "display", "GPL-2 with font exception", "ubuntu-title", "Ubuntu-Title"),
    # handwriting
    Family("Bajaderka", "hand", OFL, "bajaderka", "Bajaderka*"),
    Family("Because We Build", "hand", OFL, "bwht", "BecauseWeBuild*"),
    Family("Because We Connect", "hand", OFL, "bwht", "BecauseWeConnect*"),
    Family("Because We Create", "hand", OFL, "bwht", "BecauseWeCreate*"),
    Family("Because We Learn", "hand", OFL, "bwht", "BecauseWeLearn*"),
    Family("Because We Mentor", "hand", OFL, "bwht", "BecauseWeMentor*"),
    Family("Because We Organize", "hand", OFL, "bwht", "BecauseWeOrganize*"),
    Family("Breip", "hand", "OFL-1.0", "breip", "Breip"),
    Family("Comic Neue", "hand", OFL, "comic-neue", "ComicNeue*"),
    Family("Dancing Script", "hand", OFL, "dancingscript", "Dancing*"),
    Family("Delphine", "hand", GPL_FE, "sjfonts", "Delphine"),
    Family("DKG Handwriting", "hand", OFL, "dkg-handwriting", "dkg*"),
    Family("Domestic Manners", "hand", "GPL-2+", "dustin", "Domestic*"),
    Family("Écolier court", "hand", OFL, "ecolier-court", "Ecolier*"),
    Family("Eunjin", "hand", "Artistic", "alee", "Eunjin*"),
    Family("HarSinai", "hand", OFL, "ldco", "HarSinai"),
    Family("Havana", "hand", OFL, "havana", "Havana*"),
    Family("Humor Sans", "hand", OFL, "humor-sans", "Humor*"),
    Family("Isabella", "hand", "LGPL-2+", "isabella", "Isabella"),
    Family("Joscelyn", "hand", OFL, "joscelyn", "Joscelyn*"),
    Family("Kaushan Script", "hand", OFL, "kaushanscript", "Kaushan*"),
    Family("Kiloji", "hand", "BSD-3-clause", "kiloji", "kiloji*"),
    Family("Kristi", "hand", OFL, "kristi", "Kristi"),
    Family("Miso", "hand", OFL, "ldco", "Miso"),
    Family("Mixer", "hand", OFL, "ldco", "Mixer"),
    Family("Purisa", "hand", GPL_FE, "tlwg-purisa-ttf", "Purisa*"),
    Family("Romande ADF Script", "hand", GPL_FE, "adf-romande", "RomandeADFScript*"),
    Family("Rufscript", "hand", "GPL-3+ with font exception", "rufscript", "Rufscript*"),
    Family("Steve Hand", "hand", GPL_FE, "sjfonts", "SteveHand"),
    Family("Summersby", "hand", "GPL-2+", "summersby", "summersby"),
    Family("Tomson Talks", "hand", OFL, "tomsontalks", "TomsonTalks"),
    Family("YamSuf", "hand", OFL, "ldco", "YamSuf"),
    Family("Z003", "hand", "AGPL-3 with font exception", "urw-base35", "Z003-*"),
)  # fmt: skip

SCRIPTS = (
    " Adlam Arabic Armenian Bamum Bengali Buginese CanadianAboriginal Carian Cherokee Coptic Deseret Devanagari"
    " Elbasan Ethiopic Georgian Glagolitic Gothic Gujarati Gurmukhi HanifiRohingya Hebrew InscriptionalParthian"
    " Javanese Kannada Khmer Lao Lepcha Limbu LinearB Lisu Lycian Lydian Malayalam Mandaic MeeteiMayek Mongolian"
    " Myanmar NKo OlChiki OldItalic OldNorthArabian OldPermic OldPersian OldSouthArabian OldTurkic Oriya Osage"
    " Osmanya Phoenician Runic Samaritan Shavian Sinhala SoraSompeng Sundanese Syriac Tagalog TaiLe TaiViet Tamil"
    " Telugu Thaana Thai Tibetan Tifinagh Ugaritic Vai WarangCiti Yi"
)
"""Scripts that one of the packages above has a font for, in the spelling of its files."""
NAMED_OTHERWISE = {"CanadianAboriginal": "CANADIAN SYLLABICS", "NKo": "NKO"}


def _letters(script: str) -> str:
    """OldItalic -> OLD ITALIC, as Unicode names the letters."""
    return NAMED_OTHERWISE.get(script) or re.sub("(?<=[a-z])(?=[A-Z])", " ", script).upper()


SCRIPT_FAMILIES = (
    *(
        Family(
            f"Noto {script}", "script", OFL, "noto-core", f"NotoSans{script}-* NotoSerif{script}-*",
            letters=_letters(script),
        )
        for script in SCRIPTS.split()
    ),
    Family("Kiloji hiragana", "script", "BSD-3-clause", "kiloji", "kiloji*", design="Kiloji", letters="HIRAGANA"),
    Family("Kiloji katakana", "script", "BSD-3-clause", "kiloji", "kiloji*", design="Kiloji", letters="KATAKANA"),
    Family("Eunjin hangul", "script", "Artistic", "alee", "Eunjin*", design="Eunjin", letters="HANGUL SYLLABLE"),
    Family("Eunjin jamo", "script", "Artistic", "alee", "Eunjin*", design="Eunjin", letters="HANGUL LETTER"),
    Family("Purisa Thai", "script", GPL_FE, "tlwg-purisa-ttf", "Purisa*", design="Purisa", letters="THAI"),
)  # fmt: skip
