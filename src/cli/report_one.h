/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_one: one report of the running system, how long reports are kept, and
 * erasing them.
 */
#pragma once

#include "cli/cli.h"

/* moat report get, keep, erase; an exit code. */
int report_get_run(struct cli *cli, const struct args *args);
int report_keep_run(struct cli *cli, const struct args *args);
int report_erase_run(struct cli *cli, const struct args *args);

extern const struct arg_row report_get_options[];
extern const struct arg_row report_keep_options[];
extern const struct arg_row report_erase_options[];
