SELECT set_config(key, value, true) FROM jsonb_each_text(current_setting('switchback.kept')::jsonb);
