SELECT current_setting('switchback.mark') = {counts} AND current_setting('track_counts') = 'on'
