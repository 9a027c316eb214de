/* SPDX-License-Identifier: Apache-2.0 */
/* mail_field: any mail; what is found lies in it, and in its order. */
#include <stdint.h>

#include "base/bug.h"
#include "proto/mail_field.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_lie_in(struct str part, const char *from, const char *to)
{
	BUG(part.n > 0 && (part.p < from || part.p + part.n > to));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size }, local;
	const char *at = rest.p, *end = rest.p + size;
	struct mail_field f;

	while (mail_field_next(&rest, &f)) {
		must_lie_in(f.name, at, end);
		must_lie_in(f.value, f.name.p + f.name.n, end);
		at = f.value.p + f.value.n;
		must_lie_in(mail_field_address(f.value), f.value.p, at);
		while (mail_field_local(&f.value, STR("a"), &local))
			must_lie_in(local, f.name.p + f.name.n, at);
	}
	return 0;
}
