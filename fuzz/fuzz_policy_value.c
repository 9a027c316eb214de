/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the policy cache, as a damaged file would have them. */
#include <string.h>

#include "base/bug.h"
#include "cache/policy_value.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY STR("e")

static unsigned char bytes[POLICY_VALUE_MAX];

/* The input with the checksum that would be right, so that the rest is seen. */
static struct str with_sum(const uint8_t *data, size_t size)
{
	struct wire_out out = wire_out_of(bytes, sizeof(bytes));
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	wire_put_bytes(&out, (struct str){ (const char *)data, size });
	if (out.failed)
		return (struct str){};
	sum = (sum ^ 'e') * UINT64_C(0x100000001b3);
	for (size_t i = 0; i < size; i++)
		sum = (sum ^ data[i]) * UINT64_C(0x100000001b3);
	wire_put_u64(&out, sum);
	return out.failed ? (struct str){} : wire_out_str(&out);
}

static void entry(struct arena *a, struct str value)
{
	static unsigned char again[POLICY_VALUE_MAX];
	struct wire_out out = wire_out_of(again, sizeof(again));
	struct policy_entry e;

	if (policy_entry_read(a, KEY, value, &e) != ST_OK)
		return;
	/* What was read is written the same, but for flags nobody knows. */
	policy_entry_write(&out, KEY, &e);
	BUG(out.failed || out.n != value.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_must(4 << 20);
	struct str raw = { (const char *)data, size };
	struct str value = with_sum(data, size);
	struct policy_times times;
	struct policy_rule rule;
	int64_t noted;

	entry(a, raw);
	entry(a, value);
	if (policy_times_read(raw, &times) == ST_OK)
		BUG(times.expires < 0);
	(void)(policy_rule_read(KEY, value, &rule) == ST_OK);
	(void)(policy_state_read(raw, &noted) == ST_OK);
	(void)policy_key_time(raw);
	arena_free(&a);
	return 0;
}
