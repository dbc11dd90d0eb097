"""What a validator says of a value, in the place where one would stand: `must contain a digit`, `This field is required.`"""

from __future__ import annotations

import re

from sanitizer import patterns

SAID = patterns.lazy(
    rb"(?:(?:must|should|can(?:not|'t| not)|may not)(?: not)? (?:be|contain|have|match|include|not|start|end|exceed|consist|differ)"
    rb"|(?:is|was) (?:too|not|required|invalid|incorrect|wrong|missing|expected|an?) "
    rb"|(?:does|did|do)(?:n't| not) (?:match|meet|exist)"
    rb"|not an? (?:valid|legal)|too (?:short|long|weak|common|simple|similar|easy|big|small)"
    rb"|needs? to (?:be|contain|have)|has (?:expired|been |already been )"
    rb"|(?:this|the|your) (?:field|value|password|token|key|secret|string|input) (?:is|must|should|may|can(?:not)?|has|does|was)"
    rb"|(?:field|value|string|password|input|text|ensure) (?:is|must|should|required|cannot|can't|may|this|that|has|does)"
    rb"|parse error|command not found|permission denied|no such file|expected (?:string|number|boolean|type)|path [`'\x22])\b",
    re.I,
)
"""How it begins."""

_REQUIRED = (
    "obligatoire|obbligatori[oa]|obligatori[oa]|obrigat(?:ó|o)ri[oa]|requise?|requerid[oa]|richiest[oa]|erforderlich|verplicht|vereist|"
    "wymagan[aey]|povinn(?:á|é|ý)|zorunlu|gerekli|krävs|påkrevd|påkrævet|(?:о|О)бязател|(?:о|О)бов.{1,3}язков|требуется"
)
SAID_ABROAD = patterns.lazy(
    rb"(?:[A-Za-z\x80-\xff]{2,32} ){0,3}(?:%b)(?!\w)|[\x80-\xff]{0,24}?(?:%b)"
    % (_REQUIRED.encode(), "必須|必填|必要|필수".encode()),
    re.I,
)
"""As much in other languages: `обязательное поле`, `champ requis`."""
