/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper: keeps the view as the database says, and the domains' clockwork
 * going: ids that follow bodies, retirements that end, challenges that expire,
 * rows that are kept no longer.
 * Looking at the world is keeper_checks' business, in threads of its own, so
 * that no slow name server delays a change.
 */
#pragma once

#include "hosting/zone.h"
#include "store/store.h"
#include "view/view_writer.h"

#define KEEPER_LOOK_MS 100  /* a change waits for a look and a commit */
#define KEEPER_CHANGES 1000 /* per commit */
#define KEEPER_NODE "main"  /* the name of the only node */

/* What readers need to find a new file, with a little over. */
#define KEEPER_REOPEN_MS 1500

struct keeper_options {
	const char *view_path;
	struct view_writer_options view;
	const struct zone_config *zone; /* CAA is read from the database */
	const char *acme_directory; /* whose account CAA names; NULL: none */
	int64_t report_keep_s;	    /* 0: for ever */
	int64_t report_totals_s;    /* what they add up to; 0: for ever */
	const struct clock *clock;
};

struct keeper;

/*
 * Takes over the view: goes on with the file that is there, or, if it is
 * missing, damaged or made by other settings, builds a new one. ST_AGAIN:
 * another process writes it.
 */
enum status keeper_open(struct store *s, const struct keeper_options *opt,
	struct keeper **out, struct err *e);
void keeper_close(struct keeper **k);

/*
 * One look: changes into the view, then what is due. Failures are logged and
 * tried again; nothing is lost by calling it late.
 */
void keeper_step(struct keeper *k);

/* Changes up to this are in the view. */
int64_t keeper_applied(const struct keeper *k);
