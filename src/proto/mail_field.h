/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_field: the header fields of a mail (RFC 5322 section 2.2) as far as it
 * takes to see whom it was sent to, and the addresses in them. Whoever sent it
 * chose them, so that they find something and prove nothing.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

#define MAIL_HEADER_BYTES_MAX 65536u /* what is looked at of a header */

struct mail_field {
	struct str name, value; /* value: with its line ends, if folded */
};

/*
 * Takes the next field off the front of *mail; false: the header ends here.
 * Lines end in LF, with a CR before it or not; what is no field is passed over.
 */
bool mail_field_next(struct str *mail, struct mail_field *out);

/* The values of fields of one name, from one to the next in *mail. */
bool mail_field_find(struct str *mail, const char *name, struct str *value);

/*
 * The local part of the next address at host in *value, in any case and
 * without quotes: of "<a@H>, b@h" first a, then b. *value moves behind it.
 */
bool mail_field_local(struct str *value, struct str host, struct str *local);

/* The first address in a value, "a@x.example" of "<a@x.example>"; empty: there
 * is none. */
struct str mail_field_address(struct str value);
