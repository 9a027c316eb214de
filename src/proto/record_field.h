/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_field: the fields of "v=NAME; key=value; ..." TXT records. MTA-STS
 * (RFC 8461 section 3.1) and TLS-RPT (RFC 8460 section 3) share this grammar:
 *     record = version 1*(delim field) [delim]   delim = *WSP ";" *WSP
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

enum record_field_fault {
	RECORD_FIELD_GOOD,
	RECORD_FIELD_EMPTY,	/* two semicolons in a row */
	RECORD_FIELD_NO_EQUALS, /* no "=" */
	RECORD_FIELD_BAD_NAME,	/* not 1-32 of letters, digits, "_-." */
	RECORD_FIELD_END_SPACE, /* white space at the record's end */
};

struct record_field {
	enum record_field_fault fault;
	struct str text; /* the field without the white space around it */
	struct str name;
	struct str value; /* its bytes are not checked yet */
};

/*
 * Does text begin with the version ("v=STSv1") as a field of its own: followed
 * by a semicolon, white space before it allowed (RFC 8461 erratum 6285)? Then
 * *rest is what comes behind that semicolon.
 */
bool record_begins(struct str text, struct str version, struct str *rest);

/*
 * Takes the next field off *rest; false at the end. A single semicolon at the
 * end is no field. RECORD_FIELD_END_SPACE comes with name and value set.
 */
bool record_field_next(struct str *rest, struct record_field *out);

/* Is s a name: 1 to 32 letters, digits and "_-.", a letter or digit first? */
bool record_name_valid(struct str s);

/* Is s an extension's value: printable ASCII without space, "=" and ";"? */
bool record_value_valid(struct str s);

/* A phrase for a fault, behind "the field". */
const char *record_fault_text(enum record_field_fault f);
