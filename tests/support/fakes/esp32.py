"""esp32: the sensor in the chip, in Fahrenheit on the first ESP32, in Celsius on the others with newer firmware."""

import world


def raw_temperature():
    return world.read().get("fahrenheit", 128)


def mcu_temperature():
    return world.read().get("celsius", 41)


if world.MACHINE.endswith("with ESP32"):
    del mcu_temperature
else:
    del raw_temperature
    if world.IS_OLD:
        del mcu_temperature
