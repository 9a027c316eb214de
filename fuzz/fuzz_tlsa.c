/* SPDX-License-Identifier: Apache-2.0 */
/* tlsa: what parses prints, and what is usable has the length it says. */
#include <stdint.h>

#include "base/arena.h"
#include "base/bug.h"
#include "proto/tlsa.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_must(0);
	struct sbuf b = sbuf_arena(a, 3 * size + 64);
	struct tlsa t;

	if (tlsa_parse((struct str){ (const char *)data, size }, &t) == ST_OK) {
		enum tlsa_fault f = tlsa_fault(&t);

		tlsa_write(&b, &t);
		BUG(!sbuf_ok(&b) || t.data.n + 3 != size);
		BUG(*tlsa_fault_text(f) == '\0');
		if (f == TLSA_USABLE) {
			BUG(t.usage != TLSA_DANE_TA && t.usage != TLSA_DANE_EE);
			BUG(t.matching == TLSA_SHA256 && t.data.n != 32);
			BUG(t.matching == TLSA_SHA512 && t.data.n != 64);
			BUG(t.matching == TLSA_FULL && t.data.n < 3);
		}
	}
	arena_free(&a);
	return 0;
}
