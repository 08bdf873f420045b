"""The schema of the fake directory: the part of core, cosine and inetOrgPerson that jobs and tests use."""

_SYNTAX = "1.3.6.1.4.1.1466.115.121.1."
_TEXT = f"EQUALITY caseIgnoreMatch SYNTAX {_SYNTAX}15"
_DN = f"EQUALITY distinguishedNameMatch SYNTAX {_SYNTAX}12"
_PHONE = f"EQUALITY telephoneNumberMatch SYNTAX {_SYNTAX}50"
_IA5 = f"EQUALITY caseIgnoreIA5Match SYNTAX {_SYNTAX}26"
_KEPT = "SINGLE-VALUE NO-USER-MODIFICATION USAGE directoryOperation"

ATTRIBUTE_TYPES = (
    f"( 2.5.4.0 NAME 'objectClass' EQUALITY objectIdentifierMatch SYNTAX {_SYNTAX}38 )",
    f"( 1.3.6.1.1.16.4 NAME 'entryUUID' EQUALITY UUIDMatch SYNTAX 1.3.6.1.1.16.1 {_KEPT} )",
    f"( 1.3.6.1.4.1.4203.666.1.7 NAME 'entryCSN' EQUALITY CSNMatch SYNTAX 1.3.6.1.4.1.4203.666.11.2.1 {_KEPT} )",
    f"( 1.3.6.1.1.20 NAME 'entryDN' {_DN} {_KEPT} )",
    f"( 2.5.4.41 NAME 'name' {_TEXT} )",
    f"( 2.5.4.49 NAME 'distinguishedName' {_DN} )",
    "( 2.5.4.3 NAME ( 'cn' 'commonName' ) SUP name )",
    "( 2.5.4.4 NAME ( 'sn' 'surname' ) SUP name )",
    "( 2.5.4.42 NAME ( 'givenName' 'gn' ) SUP name )",
    "( 2.5.4.43 NAME 'initials' SUP name )",
    "( 2.5.4.12 NAME 'title' SUP name )",
    "( 2.5.4.7 NAME ( 'l' 'localityName' ) SUP name )",
    "( 2.5.4.10 NAME ( 'o' 'organizationName' ) SUP name )",
    "( 2.5.4.11 NAME ( 'ou' 'organizationalUnitName' ) SUP name )",
    "( 2.5.4.31 NAME 'member' SUP distinguishedName )",
    "( 2.5.4.34 NAME 'seeAlso' SUP distinguishedName )",
    f"( 2.5.4.13 NAME 'description' {_TEXT} )",
    f"( 2.5.4.17 NAME 'postalCode' {_TEXT} )",
    f"( 2.5.4.20 NAME 'telephoneNumber' {_PHONE} )",
    f"( 0.9.2342.19200300.100.1.41 NAME ( 'mobile' 'mobileTelephoneNumber' ) {_PHONE} )",
    f"( 2.5.4.35 NAME 'userPassword' EQUALITY octetStringMatch SYNTAX {_SYNTAX}40 )",
    f"( 0.9.2342.19200300.100.1.1 NAME ( 'uid' 'userid' ) {_TEXT} )",
    f"( 0.9.2342.19200300.100.1.3 NAME ( 'mail' 'rfc822Mailbox' ) {_IA5} )",
    f"( 0.9.2342.19200300.100.1.25 NAME ( 'dc' 'domainComponent' ) {_IA5} SINGLE-VALUE )",
    f"( 0.9.2342.19200300.100.1.10 NAME 'manager' {_DN} )",
    f"( 0.9.2342.19200300.100.1.60 NAME 'jpegPhoto' SYNTAX {_SYNTAX}28 )",
    f"( 2.16.840.1.113730.3.1.2 NAME 'departmentNumber' {_TEXT} )",
    f"( 2.16.840.1.113730.3.1.3 NAME 'employeeNumber' {_TEXT} SINGLE-VALUE )",
    f"( 2.16.840.1.113730.3.1.4 NAME 'employeeType' {_TEXT} )",
    f"( 2.16.840.1.113730.3.1.241 NAME 'displayName' {_TEXT} SINGLE-VALUE )",
)

_OF_PERSONS = (
    "departmentNumber $ displayName $ employeeNumber $ employeeType $ givenName $ initials $ jpegPhoto"
    " $ mail $ manager $ mobile $ o $ uid"
)

OBJECT_CLASSES = (
    "( 2.5.6.0 NAME 'top' ABSTRACT MUST objectClass )",
    "( 2.5.6.4 NAME 'organization' SUP top STRUCTURAL MUST o MAY ( l $ description ) )",
    "( 2.5.6.5 NAME 'organizationalUnit' SUP top STRUCTURAL MUST ou MAY ( l $ description $ seeAlso ) )",
    "( 2.5.6.6 NAME 'person' SUP top MUST ( sn $ cn ) MAY ( userPassword $ telephoneNumber $ description ) )",
    "( 2.5.6.7 NAME 'organizationalPerson' SUP person STRUCTURAL MAY ( title $ postalCode $ ou $ l ) )",
    "( 2.5.6.9 NAME 'groupOfNames' SUP top STRUCTURAL MUST ( member $ cn ) MAY ( ou $ o $ description ) )",
    "( 2.5.6.14 NAME 'device' SUP top STRUCTURAL MUST cn MAY ( ou $ o $ l $ description ) )",
    "( 1.3.6.1.4.1.1466.344 NAME 'dcObject' SUP top AUXILIARY MUST dc )",
    f"( 2.16.840.1.113730.3.2.2 NAME 'inetOrgPerson' SUP organizationalPerson STRUCTURAL MAY ( {_OF_PERSONS} ) )",
)
