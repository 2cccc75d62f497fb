//! Waivers: let through, and kept visible.

use crate::finding::{Finding, Place};

use super::{Check, View};

pub struct Waived;

const CODE: &str = "waived";

impl Check for Waived {
    fn code(&self) -> &'static str {
        CODE
    }

    fn about(&self) -> &'static str {
        "How many migrations are let through by a waiver although their way back is not proven."
    }

    fn run(&self, view: &View<'_>) -> Vec<Finding> {
        let Some(registry) = view.input.registry.filter(|registry| registry.all_waivers().next().is_some()) else {
            return Vec::new();
        };
        let waived = view.input.migrations.iter().filter_map(|migration| {
            let waiver = registry.waiver(&migration.digest(), view.input.engine)?;
            Some(format!("{}: {} ({}, {})", migration.id, waiver.reason, waiver.by, waiver.at))
        });
        let detail: Vec<String> = waived.collect();
        let message = match detail.len() {
            0 => return Vec::new(),
            1 => "1 migration is waived: its way back is not proven".to_owned(),
            many => format!("{many} migrations are waived: their ways back are not proven"),
        };
        let place = Place::new(registry.path(), 1, 1);
        vec![Finding::note(CODE, message).at(place).detail(detail)]
    }
}
