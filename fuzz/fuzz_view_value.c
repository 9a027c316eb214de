/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the view, as a damaged or hostile file would have them. */
#include "base/bug.h"
#include "view/view_value.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touches every byte that a reader would. */
static unsigned sum(struct str s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += (unsigned char)s.p[i];
	return n;
}

static void host(struct arena *a, struct str value)
{
	static unsigned char bytes[VIEW_VALUE_MAX];
	struct wire_out out = wire_out_of(bytes, sizeof(bytes));
	struct view_host h;

	if (view_host_read(a, value, &h) != ST_OK)
		return;
	for (size_t i = 0; i < h.n_chain; i++)
		(void)sum(h.chain[i]);
	/* What was read is written the same, but for the flags of absence. */
	view_host_write(&out, &h);
	BUG(out.failed || out.n > value.n);
}

static void name(struct arena *a, struct str value)
{
	static unsigned char bytes[VIEW_VALUE_MAX];
	struct wire_out out = wire_out_of(bytes, sizeof(bytes));
	struct view_name n;

	if (view_name_read(a, value, &n) != ST_OK)
		return;
	view_name_write(&out, &n);
	BUG(!str_eq(wire_out_str(&out), value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str value = { (const char *)data, size };
	struct arena *a = arena_must(4 << 20);
	struct view_label label;
	struct view_state state;
	struct view_step step;
	struct view_zone zone;

	host(a, value);
	name(a, value);
	if (view_label_read(value, &label) == ST_OK)
		(void)(sum(label.tenant) + sum(label.domain));
	if (view_state_read(value, &state) == ST_OK)
		(void)sum(state.settings);
	if (view_zone_read(value, &zone) == ST_OK)
		(void)(sum(zone.origin) + sum(zone.soa));
	if (view_step_read(a, value, &step) == ST_OK)
		for (size_t i = 0; i < step.n_added; i++)
			(void)sum(step.added[i].rdata);
	arena_free(&a);
	return 0;
}
