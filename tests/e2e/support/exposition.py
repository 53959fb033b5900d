"""Parser of the text format of Prometheus, and of OpenMetrics where both are the same."""

import re

_SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?(?: # .*)?$')
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)')
_OF_HISTOGRAM = ('_bucket', '_sum', '_count')


class Family:
    """One metric: its type, its HELP and its samples, (name, labels) to value."""

    def __init__(self, name):
        self.name = name
        self.type = None
        self.help = None
        self.samples = {}

    def label_names(self):
        return {name for _, labels in self.samples for name, _ in labels} - {'le'}


class Exposition:
    """Families by name, and single values."""

    def __init__(self, text):
        self.text = text
        self.families = {}
        for line in text.splitlines():
            self._take(line)

    def _family(self, name):
        return self.families.setdefault(name, Family(name))

    def _owner(self, sample):
        if sample not in self.families:
            for suffix in _OF_HISTOGRAM:
                stem = sample.removesuffix(suffix)
                if stem != sample and stem in self.families:
                    return self.families[stem]
            stem = sample.removesuffix('_total')
            if stem in self.families:
                return self.families[stem]
        return self._family(sample)

    def _take(self, line):
        if line.startswith('# HELP '):
            name, _, text = line[7:].partition(' ')
            self._family(name).help = text
        elif line.startswith('# TYPE '):
            name, kind = line[7:].split(' ')
            self._family(name).type = kind
        elif line and not line.startswith('#'):
            match = _SAMPLE.match(line)
            if not match:
                raise AssertionError(f'not a sample: {line}')
            labels = frozenset(_LABEL.findall(match.group(2) or ''))
            family = self._owner(match.group(1))
            if (match.group(1), labels) in family.samples:
                raise AssertionError(f'twice: {line}')
            family.samples[(match.group(1), labels)] = float(match.group(3))

    def value(self, name, **labels):
        """The value of one series; None if it is not there."""
        family = self._owner(name)
        return family.samples.get((name, frozenset((key, str(text)) for key, text in labels.items())))

    def series(self, text):
        """The value of one series, written as in the exposition: `name{label="value"}`; 0 if it is missing."""
        match = _SAMPLE.match(f'{text} 0')
        return self.value(match.group(1), **dict(_LABEL.findall(match.group(2) or ''))) or 0.0

    def by(self, label, name, **others):
        """The values of a metric by one label, of the series that carry the other labels too."""
        wanted = {(key, str(text)) for key, text in others.items()}
        return {dict(labels)[label]: value for (sample, labels), value in self._owner(name).samples.items()
                if sample == name and wanted <= labels and label in dict(labels)}

    def total(self, name, **labels):
        """The sum over the series of a metric that carry the labels."""
        wanted = {(key, str(text)) for key, text in labels.items()}
        return sum(value for (sample, present), value in self._owner(name).samples.items()
                   if sample == name and wanted <= present)
