/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_view: what the reports of the running system add up to, as tables, as
 * lines for spreadsheets, and as a summary to print.
 */
#pragma once

#include "cli/cli.h"

/* moat report by, failures, summary; an exit code. */
int report_by_run(struct cli *cli, const struct args *args);
int report_failures_run(struct cli *cli, const struct args *args);
int report_summary_run(struct cli *cli, const struct args *args);

extern const struct arg_row report_by_options[];
extern const struct arg_row report_failures_options[];
extern const struct arg_row report_summary_options[];
