"""The work list: conditions, alerts and what people do with them. Knows nothing of numpy, MQTT or wards."""
