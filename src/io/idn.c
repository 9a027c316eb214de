/* SPDX-License-Identifier: Apache-2.0 */
/* idn: libidn2. */
#include <idn2.h>

#include "io/idn.h"

#include "base/poison.h"

enum status idn_to_ascii(struct arena *a, struct str name, struct str *out)
{
	struct str text, copy = {};
	uint8_t *ascii = NULL;
	int rc;

	if (str_index(name, '\0') >= 0)
		return ST_INVALID;
	text = arena_str(a, name);
	if (text.p == NULL)
		return ST_LIMIT;
	rc = idn2_lookup_u8((const uint8_t *)text.p, &ascii,
		IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc == IDN2_OK)
		copy = arena_str(a, str_of((const char *)ascii));
	idn2_free(ascii);
	if (rc != IDN2_OK && rc != IDN2_MALLOC)
		return ST_INVALID;
	if (copy.p == NULL)
		return ST_LIMIT;
	*out = copy;
	return ST_OK;
}
