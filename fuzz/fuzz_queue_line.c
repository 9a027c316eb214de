/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in Postfix's queue, as postqueue -j shows it: strangers choose
 * the addresses and the words of mail hosts. What comes out can be a word of a
 * command line.
 */
#include <stdint.h>

#include "base/bug.h"
#include "io/idn.h"
#include "outbound/hold_reason.h"
#include "outbound/queue_line.h"
#include "proto/host_name.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_host(const void *ctx, struct str name)
{
	(void)ctx;
	BUG(name.n == 0 || name.n > HOST_NAME_BYTES_MAX);
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_must(0);
	struct queue_message m;

	if (queue_line_parse(a, (struct str){ (const char *)data, size },
		    idn_to_ascii, &m, NULL) == ST_OK) {
		BUG(m.id.n == 0 || !chr_is_alnum(m.id.p[0]));
		for (size_t i = 0; i < m.n; i++) {
			const struct queue_recipient *r = &m.recipients[i];

			BUG(host_name_fault(r->domain) != HOST_NAME_GOOD);
			BUG(queue_recipient_concerns(r, is_host, NULL));
			(void)hold_reason_of(r->reason);
		}
	}
	arena_free(&a);
	return 0;
}
