/* SPDX-License-Identifier: Apache-2.0 */
/* record_texts: a fuzz input as several TXT records, one per line. */
#pragma once

#include <stdint.h>

#include "base/str.h"

#define RECORD_TEXTS_MAX 4u

static inline size_t record_texts(
	const uint8_t *data, size_t size, struct str texts[RECORD_TEXTS_MAX])
{
	struct str rest = { (const char *)data, size };
	size_t n = 0;

	while (size > 0 && rest.p != NULL && n < RECORD_TEXTS_MAX)
		texts[n++] = str_cut(&rest, '\n');
	return n;
}
