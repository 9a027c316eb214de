/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_value: the bytes behind the keys of the view, and the keys. Pure; the
 * reader is as careful as with a stranger's bytes, because the file can be
 * damaged and because a reader overtaken by the writer sees nonsense before it
 * notices.
 *
 * Reading gives ST_OK, ST_INVALID (not a value of that kind) or ST_LIMIT (the
 * arena is full). Results borrow from value. Writing fails through the sticky
 * error of out.
 */
#pragma once

#include "base/wire.h"
#include "view/view.h"

#define VIEW_VALUE_MAX ((size_t)1 << 20)
#define VIEW_KEY_MAX 511 /* LMDB's own limit */

struct view_key {
	size_t n;
	char p[VIEW_KEY_MAX];
};

/* ST_INVALID: host, label or owner cannot be one. */
enum status view_key_host(struct str host, struct view_key *out);
enum status view_key_label(struct str label, struct view_key *out);
enum status view_key_name(struct str owner, struct view_key *out);
void view_key_journal(uint32_t from, struct view_key *out);
#define VIEW_KEY_HOST 'h'
#define VIEW_KEY_LABEL 'l'
#define VIEW_KEY_NAME 'n'
#define VIEW_KEY_JOURNAL 'j'
/* Single values; their keys are these texts. */
#define VIEW_KEY_ZONE STR("m zone")
#define VIEW_KEY_STATE STR("m state")

void view_host_write(struct wire_out *out, const struct view_host *h);
enum status view_host_read(
	struct arena *a, struct str value, struct view_host *h);

void view_label_write(struct wire_out *out, const struct view_label *l);
enum status view_label_read(struct str value, struct view_label *l);

/* Writes owner and sets; reads them with kind VIEW_NAME_RECORDS. */
void view_name_write(struct wire_out *out, const struct view_name *n);
enum status view_name_read(
	struct arena *a, struct str value, struct view_name *n);

void view_zone_write(struct wire_out *out, const struct view_zone *z);
enum status view_zone_read(struct str value, struct view_zone *z);

void view_step_write(struct wire_out *out, const struct view_step *s);
enum status view_step_read(
	struct arena *a, struct str value, struct view_step *s);

/* How far the view has come, and by which settings it was made. */
struct view_state {
	int64_t applied_seq;
	int64_t built;
	struct str settings; /* a fingerprint of the writer's choosing */
};
void view_state_write(struct wire_out *out, const struct view_state *s);
enum status view_state_read(struct str value, struct view_state *s);
